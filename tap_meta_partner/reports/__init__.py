"""Asking for one window of a report, in the ways that Meta offers."""
