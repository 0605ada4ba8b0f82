"""`meta-partner verify`: does the target hold what Meta says, and if not, why."""
