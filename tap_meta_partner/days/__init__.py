"""Calendar days of an ad account, and nothing else."""
