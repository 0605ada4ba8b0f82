"""`filtering`: which objects and which rows an insights report tells of."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.protocol.errors import invalid_parameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.sandbox.insights.query import Condition, InsightsQuery
    from tap_meta_partner.sandbox.world.advertising import Ad, AdAccount
    from tap_meta_partner.sandbox.world.delivery import Facts
    from tap_meta_partner.sandbox.world.statuses import Statuses

#: Where an ad says which object of a level it belongs to.
AD_COLUMN = {"campaign": "campaign_id", "adset": "adset_id", "ad": "id"}
_GONE = frozenset({"ARCHIVED", "DELETED"})


def ad_filter(query: InsightsQuery, statuses: Statuses) -> Callable[[Ad], bool] | None:
    """Return which ads count at all; None = every one."""
    below = query.node.ad_ids
    unlisted = _deleted_test(query, statuses)
    if below is None and unlisted is None and not query.conditions:
        return None
    account = query.node.account
    tests = [
        test for c in query.conditions if (test := _object_test(c, account, statuses)) is not None
    ]
    if unlisted is not None:
        tests.append(unlisted)
    if query.conditions and not any(c.field.endswith("effective_status") for c in query.conditions):
        # Any filtering hides archived and deleted objects unless it names statuses itself
        # (Meta, "Insights API: deleted and archived objects").
        tests.append(lambda ad: statuses.effective(ad) not in _GONE)
    return lambda ad: (below is None or ad.id in below) and all(test(ad) for test in tests)


def _deleted_test(query: InsightsQuery, statuses: Statuses) -> Callable[[Ad], bool] | None:
    """Leave out rows of deleted objects; None = there are none to leave out.

    They are told of when the filter names statuses of the report's level, or when the object
    itself is asked (Meta, "Manage your ad object's status"). Rows of their parents keep them.
    """
    column = AD_COLUMN.get(query.level)
    named = any(c.field == f"{query.level}.effective_status" for c in query.conditions)
    if column is None or named or query.node.kind == query.level:
        return None
    gone = statuses.deleted(query.node.account, query.level)
    return (lambda ad: getattr(ad, column) not in gone) if gone else None


def _object_test(
    condition: Condition, account: AdAccount, statuses: Statuses
) -> Callable[[Ad], bool] | None:
    """Return a condition on campaign, ad set or ad; None when it is about a metric."""
    kind, _, name = condition.field.partition(".")
    if kind not in AD_COLUMN or name not in {"id", "effective_status", "name"}:
        return None
    id_column = AD_COLUMN[kind]
    text_of = {
        each.id: statuses.effective(each) if name == "effective_status" else getattr(each, name)
        for each in account.objects(kind)
    }
    accepts = _text_test(condition)
    return lambda ad: accepts(text_of[getattr(ad, id_column)])


def _text_test(condition: Condition) -> Callable[[str], bool]:
    values = frozenset(condition.values)
    first = condition.values[0] if condition.values else ""
    tests: dict[str, Callable[[str], bool]] = {
        "IN": lambda text: text in values,
        "EQUAL": lambda text: text == first,
        "NOT_IN": lambda text: text not in values,
        "NOT_EQUAL": lambda text: text != first,
        "CONTAIN": lambda text: first.lower() in text.lower(),
        "NOT_CONTAIN": lambda text: first.lower() not in text.lower(),
        "STARTS_WITH": lambda text: text.startswith(first),
    }
    if condition.operator not in tests:
        raise invalid_parameter(f"filtering operator {condition.operator} is not supported here")
    return tests[condition.operator]


def metric_filter(query: InsightsQuery) -> Callable[[Facts], bool] | None:
    """Return which rows are large enough to be told; None = every one."""
    digits = query.node.account.spend_digits
    tests = [
        test
        for condition in query.conditions
        if (test := _metric_test(condition, digits)) is not None
    ]
    return (lambda facts: all(test(facts) for test in tests)) if tests else None


def _metric_test(condition: Condition, spend_digits: int) -> Callable[[Facts], bool] | None:
    name = condition.field.rpartition(".")[2]
    if name not in {"impressions", "clicks", "reach", "spend"}:
        return None
    try:
        bound = Decimal(condition.values[0])
    except (InvalidOperation, IndexError):
        raise invalid_parameter(f"filtering: {condition.field} needs a number") from None
    if name == "spend":
        bound = bound.scaleb(spend_digits)
    compare: dict[str, Callable[[int], bool]] = {
        "GREATER_THAN": lambda count: count > bound,
        "GREATER_THAN_OR_EQUAL": lambda count: count >= bound,
        "LESS_THAN": lambda count: count < bound,
        "LESS_THAN_OR_EQUAL": lambda count: count <= bound,
        "EQUAL": lambda count: count == bound,
        "NOT_EQUAL": lambda count: count != bound,
    }
    if condition.operator not in compare:
        raise invalid_parameter(f"filtering operator {condition.operator} is not supported here")
    accepts = compare[condition.operator]
    return lambda facts: accepts(getattr(facts, name))
