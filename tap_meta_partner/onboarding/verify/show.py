"""What a verification found, laid out for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.onboarding.screen import Facts, Listing, Notes
from tap_meta_partner.onboarding.verify.amounts import are_equal
from tap_meta_partner.onboarding.verify.findings import shown

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from tap_meta_partner.onboarding.screen import Part
    from tap_meta_partner.onboarding.verify.findings import (
        AccountFindings,
        Finding,
        Line,
        Verification,
    )
    from tap_meta_partner.onboarding.verify.reasons import Reason

_MOST_DAYS = 3


def parts_of(found: Verification) -> Iterator[Part]:
    """Return the screen, part by part; what needs a person comes last."""
    yield Facts("Target", [("address", found.target), ("tables", ", ".join(found.streams))])
    rows = [row for account in found.accounts for row in _rows(account, found.streams)]
    columns = ("account", "days", "metric", "Meta", *found.streams, "verdict")
    title = (
        f"Ad accounts: {len(found.accounts)} (in brackets: what a table holds more than Meta says)"
    )
    yield Listing(title, columns, rows) if rows else Facts(title, [])
    notes = list(_notes(found))
    if notes:
        yield Notes("Why", notes)
    yield Facts(
        "Result",
        [
            ("verdict", f"{found.verdict} (exit code {found.exit_code})"),
            ("asked", f"{found.calls} calls in {found.seconds:.1f} s"),
        ],
    )


def _rows(account: AccountFindings, streams: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for line in account.lines:
        first = line is account.lines[0]
        yield (
            account.account_id if first else "",
            str(account.window) if first else "",
            line.metric,
            "?" if line.told is None else _amount(line.told),
            *(_cell(line, stream) for stream in streams),
            account.verdict if first else "",
        )
    if not account.lines:
        yield (
            account.account_id,
            str(account.window),
            *("" for _ in streams),
            "",
            "",
            account.verdict,
        )


def _cell(line: Line, stream: str) -> str:
    held = line.held.get(stream)
    if held is None:
        return "-"
    if line.told is None or are_equal(held, line.told):
        return _amount(held)
    return f"{_amount(held)} ({_signed(held - line.told)})"


def _notes(found: Verification) -> Iterator[tuple[str, str, str]]:
    """Put together what has the same reason, and give its advice once."""
    groups: dict[Reason, list[str]] = {}
    for account in found.accounts:
        for finding in account.findings:
            said = _said(account, finding, len(found.streams))
            groups.setdefault(finding.reason, []).append(said)
    for reason, texts in sorted(groups.items(), key=lambda group: not group[0].value.explains):
        words = reason.value
        mark = "explained:" if words.explains else "error:"
        yield mark, f"{words.what}.", ""
        for text in texts:
            yield "  -", text, words.advice if text is texts[-1] else ""


def _said(account: AccountFindings, finding: Finding, streams: int) -> str:
    where = f"{account.account_id} ({account.name})" if account.name else account.account_id
    tables = "all tables" if len(finding.streams) == streams else ", ".join(finding.streams)
    parts = [where, *filter(None, (tables, _days(finding.days)))]
    said = ", ".join(parts) + _amounts(finding)
    return f"{said}: {finding.besides}" if finding.besides else said


def _amounts(finding: Finding) -> str:
    if not finding.amounts:
        return ""
    amounts = ", ".join(f"{name} {_signed(value)}" for name, value in finding.amounts.items())
    return f": {amounts}"


def _days(days: Sequence[dt.date]) -> str:
    if not days:
        return ""
    if len(days) <= _MOST_DAYS:
        return ", ".join(map(str, days))
    return f"{len(days)} days from {days[0]} to {days[-1]}"


def _amount(value: Decimal) -> str:
    whole, _, fraction = shown(value).partition(".")
    grouped = f"{int(whole):,}" if whole.lstrip("-") else whole
    if whole.startswith("-") and not grouped.startswith("-"):
        grouped = f"-{grouped}"
    return f"{grouped}.{fraction.ljust(2, '0')}" if fraction else grouped


def _signed(value: Decimal) -> str:
    return f"+{_amount(value)}" if value > 0 else _amount(value)
