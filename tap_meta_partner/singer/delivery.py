"""A run on its way out: rows, STATE, signals, and the exit code."""

from __future__ import annotations

SIGNAL_EXIT = 128
