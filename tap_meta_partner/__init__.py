"""Singer tap for the ads insights of many Meta clients."""
