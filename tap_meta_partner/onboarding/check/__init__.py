"""`meta-partner check`: tokens, ad accounts, versions and limits before the first run."""
