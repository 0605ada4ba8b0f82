"""What a report's delivered rows were, so that a changed report is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.settings.words import DEFAULT_FIELDS

if TYPE_CHECKING:
    from tap_meta_partner.settings.model import ReportDefinition

_DEFAULT_FIELDS_WORD = "default"


_ACTION_ROWS_WORD = "action_rows"


#: How many separate the four parts of a fingerprint.
_SEPARATORS = 3


class ReportChanged(ValueError):
    """The report's rows would get other keys than those delivered before."""


def fingerprint(definition: ReportDefinition) -> str:
    """Return what a report's rows are: level, increment, breakdowns and the fields asked.

    The tap's own default list is kept as one word: a new default in a later version is no change.
    """
    fields = _DEFAULT_FIELDS_WORD
    if definition.fields:
        fields = ",".join(sorted(definition.fields))
    if definition.action_rows:
        # Rows delivered before they were wanted have none.
        fields += f",{_action_rows_word(definition)}"
    increment = str(definition.time_increment)
    breakdowns = ",".join(sorted(definition.breakdowns))
    return f"{definition.level}|{increment}|{breakdowns}|{fields}"


def _action_rows_word(definition: ReportDefinition) -> str:
    """Name the action rows, and the action breakdowns that are part of their key."""
    further = sorted(set(definition.action_breakdowns) - {"action_type"})
    return "+".join((_ACTION_ROWS_WORD, *further))


def _action_rows_in(fields: str) -> list[str]:
    return [word for word in fields.split(",") if word.split("+")[0] == _ACTION_ROWS_WORD]


def refuse_other_keys(before: str | None, now: str, stream: str) -> None:
    """Raise `ReportChanged` where rows would get other keys than those delivered before."""
    *keys_before, fields_before = (before or now).split("|")
    *keys_now, fields_now = now.split("|")
    rows_before, rows_now = _action_rows_in(fields_before), _action_rows_in(fields_now)
    if rows_before and rows_now and rows_before != rows_now:
        raise ReportChanged(
            f"{stream} now has other action_breakdowns, which are part of the key of its action "
            "rows: give the report another name, or remove this stream from the state and the "
            "tables"
        )
    if keys_before != keys_now and len(keys_before) == len(keys_now):
        raise ReportChanged(
            f"{stream} now has {_described(keys_now)}, but the rows delivered so far have "
            f"{_described(keys_before)}: give the report another name, or remove this stream from "
            "the state and its table"
        )


def _described(keys: list[str]) -> str:
    level, increment, breakdowns = keys
    return f"level {level}, breakdowns [{breakdowns}] and time_increment {increment}"


def added_fields(before: str | None, definition: ReportDefinition) -> list[str]:
    """Name the fields that a report asks now and did not ask when `before` was written.

    They are noted with the next window closed, so that this is said once and not every night. A
    report that is read in full closes none, and what its bookmark says is of another time.
    """
    if definition.reads_in_full or before is None or before.count("|") != _SEPARATORS:
        # Not one of ours: it tells nothing.
        return []
    return sorted(
        _field_set(fingerprint(definition).rpartition("|")[2])
        - _field_set(before.rpartition("|")[2])
    )


def _field_set(fields: str) -> set[str]:
    names = set(fields.split(","))
    if _DEFAULT_FIELDS_WORD in names:
        names = names - {_DEFAULT_FIELDS_WORD} | set(DEFAULT_FIELDS)
    return names
