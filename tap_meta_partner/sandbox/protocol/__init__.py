"""What any Graph API speaks: calls, errors, pages, Meta's words, and faults on request."""
