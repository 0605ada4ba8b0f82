"""`meta-partner login` and `refresh`: clients that connect their accounts themselves."""
