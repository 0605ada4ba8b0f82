"""The made-up businesses and their advertising, and what is true of them."""
