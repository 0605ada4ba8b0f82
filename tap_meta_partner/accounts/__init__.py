"""Whose tokens these are, and which ad accounts they can read."""
