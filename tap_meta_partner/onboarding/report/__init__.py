"""`meta-partner report`: the answers of the first dashboard as one page for a browser."""
