"""Insights as the sandbox answers them: from the question to rows and report runs."""
