"""What a report's delivered rows were, so that a changed report is noticed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from tap_meta_partner.settings.words import DEFAULT_FIELDS

if TYPE_CHECKING:
    from tap_meta_partner.settings.model import ReportDefinition

_DEFAULT_FIELDS_WORD = "default"


_ACTION_ROWS_WORD = "action_rows"


_FILTERING_WORD = "filtering:"

#: The first parts of a fingerprint are the key's; then come the fields, and what they count.
_KEY_PARTS = 3

#: Earlier fingerprints had no fifth part: what was counted then is not known.
_SHORT, _WHOLE = 4, 5

#: What a changed filtering is called among what is new.
OTHER_FILTERING = "filtering"


class ReportChanged(ValueError):
    """The report's rows would get other keys than those delivered before."""


def fingerprint(definition: ReportDefinition) -> str:
    """Return what a report's rows are: level, increment, breakdowns, fields, and what they count.

    The last part are the attribution windows asked for, and a digest of `filtering`.
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
    return f"{definition.level}|{increment}|{breakdowns}|{fields}|{_counted(definition)}"


def _counted(definition: ReportDefinition) -> str:
    words = sorted(definition.action_attribution_windows)
    if definition.filtering:
        text = json.dumps(list(map(dict, definition.filtering)), sort_keys=True, default=str)
        words.append(_FILTERING_WORD + hashlib.blake2b(text.encode(), digest_size=4).hexdigest())
    return ",".join(words)


def _action_rows_word(definition: ReportDefinition) -> str:
    """Name the action rows, and the action breakdowns that are part of their key."""
    further = sorted(set(definition.action_breakdowns) - {"action_type"})
    return "+".join((_ACTION_ROWS_WORD, *further))


def _action_rows_in(fields: str) -> list[str]:
    return [word for word in fields.split(",") if word.split("+")[0] == _ACTION_ROWS_WORD]


def refuse_other_keys(before: str | None, now: str, stream: str) -> None:
    """Raise `ReportChanged` where rows would get other keys than those delivered before."""
    parts_before, parts_now = (before or now).split("|"), now.split("|")
    if len(parts_before) not in (_SHORT, _WHOLE):
        # Not one of ours: it tells nothing.
        return
    keys_before, fields_before = parts_before[:_KEY_PARTS], parts_before[_KEY_PARTS]
    keys_now, fields_now = parts_now[:_KEY_PARTS], parts_now[_KEY_PARTS]
    rows_before, rows_now = _action_rows_in(fields_before), _action_rows_in(fields_now)
    if rows_before and rows_now and rows_before != rows_now:
        raise ReportChanged(
            f"{stream} now has other action_breakdowns, which are part of the key of its action "
            "rows: give the report another name, or remove this stream from the state and the "
            "tables"
        )
    if keys_before != keys_now:
        raise ReportChanged(
            f"{stream} now has {_described(keys_now)}, but the rows delivered so far have "
            f"{_described(keys_before)}: give the report another name, or remove this stream from "
            "the state and its table"
        )


def _described(keys: list[str]) -> str:
    level, increment, breakdowns = keys
    return f"level {level}, breakdowns [{breakdowns}] and time_increment {increment}"


def added_fields(before: str | None, definition: ReportDefinition) -> list[str]:
    """Name what a report asks now and did not ask when `before` was written.

    Fields and attribution windows by their names, another filtering as `OTHER_FILTERING`. They are
    noted with the next window closed, so that this is said once and not every night. A report that
    is read in full closes none, and what its bookmark says is of another time.
    """
    parts = (before or "").split("|")
    if definition.reads_in_full or len(parts) not in (_SHORT, _WHOLE):
        # Not one of ours: it tells nothing.
        return []
    now = fingerprint(definition).split("|")
    added = sorted(_field_set(now[_KEY_PARTS]) - _field_set(parts[_KEY_PARTS]))
    if len(parts) == _WHOLE:
        added += _other_counts(parts[-1], now[-1])
    return added


def fields_before(report: str | None) -> set[str] | None:
    """Return the fields that delivered rows were asked with, None where that is not known."""
    parts = (report or "").split("|")
    return _field_set(parts[_KEY_PARTS]) if len(parts) in (_SHORT, _WHOLE) else None


def _other_counts(before: str, now: str) -> list[str]:
    """Name the attribution windows that are new, and the filtering if it is another one."""
    words_before, words_now = set(before.split(",")) - {""}, set(now.split(",")) - {""}
    new = sorted(words_now - words_before)
    added = [word for word in new if not word.startswith(_FILTERING_WORD)]
    changed = words_before ^ words_now
    if any(word.startswith(_FILTERING_WORD) for word in changed):
        added.append(OTHER_FILTERING)
    return added


def _field_set(fields: str) -> set[str]:
    names = set(fields.split(","))
    if _DEFAULT_FIELDS_WORD in names:
        names = names - {_DEFAULT_FIELDS_WORD} | set(DEFAULT_FIELDS)
    return names
