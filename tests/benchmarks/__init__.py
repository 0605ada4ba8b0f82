"""Benchmarks anyone can run: `uv run python -m tests.benchmarks`."""
