"""What the user configured, checked before any call."""
