"""`meta-partner demo`: the whole pipeline with made-up clients, checked against the truth."""
