"""Getting access to ad accounts and keeping it: `check`, `invite`, `login` and `refresh`."""
