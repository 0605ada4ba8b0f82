"""Exchanges with Meta, kept scrubbed: for a recording of a run, and for the report of a probe."""
