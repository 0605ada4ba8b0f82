"""How many examples hypothesis tries: all of them in CI, a quarter of them at home.

`tests/conftest.py` loads one of the two profiles before any test is imported.
"""

from __future__ import annotations

from hypothesis import settings

#: What a test tries that says nothing of its own, by the name of the profile.
PROFILES = {"ci": 100, "home": 25}


def examples(in_ci: int) -> int:
    """Return how many examples to try where CI tries `in_ci`."""
    return in_ci * settings.default.max_examples // PROFILES["ci"]
