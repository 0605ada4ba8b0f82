"""Every bound has a rule that says what it is and what to do."""

from __future__ import annotations

import pytest

from tap_meta_partner.graph import bounds
from tap_meta_partner.graph.errors import Rule

RULES = {name: rule for name, rule in vars(bounds).items() if isinstance(rule, Rule)}


def test_rules__are_one_for_each_bound() -> None:
    """No two bounds share their words."""
    assert len({rule.what for rule in RULES.values()}) == len(RULES) == 6


@pytest.mark.parametrize("name", RULES)
def test_rule__says_what_happened_and_what_to_do(name: str) -> None:
    """A clause of what happened, a sentence of what to do; the error is of the rule's class."""
    rule = RULES[name]
    error = bounds.beyond(rule, "too much")

    assert type(error) is rule.family
    assert not rule.what.endswith(".")
    assert rule.advice.endswith(".")
    assert error.reason == f"{rule.what}: too much. {rule.advice}"
