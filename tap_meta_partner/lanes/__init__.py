"""Many ad accounts at once: who is next, who waits, and for how long."""
