"""One run over all ad accounts: from the list of accounts to the summary."""
