"""Which days to ask for: what was delivered, what is open, how that is cut into windows."""
