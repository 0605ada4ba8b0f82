"""Meta's Graph API: the one door to HTTP, its errors, limits, pages and values."""
