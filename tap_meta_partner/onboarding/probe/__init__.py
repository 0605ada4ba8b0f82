"""`meta-partner probe`: each thing the tap believes of Meta, asked of a real ad account."""
