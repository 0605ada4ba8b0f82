"""Where the pages of one window go: typed, checked for keys that come twice, and handed on."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from tap_meta_partner.graph.values import spend_of
from tap_meta_partner.insights.action_rows import ActionRowReader
from tap_meta_partner.insights.columns import key_of
from tap_meta_partner.insights.rows import RowReader
from tap_meta_partner.sync.events import Rows
from tap_meta_partner.sync.held_days import HeldDays
from tap_meta_partner.sync.reconciliation import adds_up

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.insights.plan import InsightsPlan

#: Records by their keys.
_ByKey: TypeAlias = "dict[tuple[Any, ...], dict[str, Any]]"

#: So many rows at once become records and are handed on: they stay in the processor's cache, and an
#: odd value among them costs no more than these.
_ROWS_AT_ONCE = 50

#: Action rows are many for each row of their report: they are handed on in portions of so many.
_REPORT_ROWS_AT_ONCE = 50


class DuplicateKey(ValueError):
    """A row's key is not whole: it cannot be told from others."""


def note_named(named: Mapping[str, set[str]], records: Sequence[Mapping[str, Any]]) -> None:
    """Keep the ids that records name, by the column that names them."""
    for name, ids in named.items():
        ids.update(record[name] for record in records if record.get(name))


class RecordSink:
    """Turns pages of rows into records, and makes sure that no key comes twice in a window.

    Rows with one key that are equal are one row. Where they differ, one would replace the other in
    the target: the key is among `contradictions`, and when the window is read again its rows are
    held back until it is known whether they agree.
    """

    def __init__(  # noqa: PLR0913  (whose rows, when, and what becomes of them)
        self,
        plan: InsightsPlan,
        account: AdAccount,
        *,
        utc_now: Callable[[], dt.datetime],
        today: dt.date,
        named: Mapping[str, set[str]] | None = None,
        held: HeldDays | None = None,
    ) -> None:
        self._plan = plan
        self._account_id = account.account_id
        #: Ids of objects that rows name, by column: kept for whoever looks them up.
        self._named = named or {}
        self._key = key_of(plan.definition)
        self._reader = RowReader(
            stream=plan.name,
            columns=plan.columns,
            account_id=account.account_id,
            timezone_name=account.timezone_name,
            action_breakdowns=plan.definition.action_breakdowns,
        )
        self.decode = self._reader.decode
        self._actions = None
        if plan.actions_to:
            self._actions = ActionRowReader(plan.definition, plan.action_columns)
        self.held = held or HeldDays({}, None)
        self._utc_now = utc_now
        self._today = today
        self._part = ""
        self._keys: set[tuple[Any, ...]] = set()
        #: The records of this page and the one before, where a row that moved would come again.
        self._recent: tuple[_ByKey, _ByKey] = ({}, {})
        #: Keys that contradicted themselves when the window was read before; their rows wait here.
        self._suspects: set[tuple[Any, ...]] = set()
        self._held: _ByKey = {}
        self._differing: set[tuple[Any, ...]] = set()
        self._earlier_keys: set[tuple[Any, ...]] = set()
        self._adds_up = adds_up(plan.definition)
        self._spend: dict[str, Decimal] = defaultdict(Decimal)
        self._earlier_spend: dict[str, Decimal] = {}

    def begin(self, part: str = "") -> None:
        """Forget the rows so far: the window (or one part of it) is read anew."""
        self.held.begin(anew=not part, next_part=part != self._part)
        if not part:
            self._reader.begin_window(read_at=self._utc_now(), today=self._today)
            self._earlier_keys = set()
            self._earlier_spend = {}
            self._suspects |= self._differing
            self._differing, self._held = set(), {}
        elif part != self._part:
            self._earlier_keys |= self._keys
            self._earlier_spend = self.spend
        self._part, self._keys, self._spend = part, set(), defaultdict(Decimal)
        self._recent = ({}, {})

    def page(self, rows: list[dict[str, Any]]) -> Iterator[Rows]:
        """Turn one page into records.

        Yields:
            The rows of the report, and its action rows where they are wanted.

        Raises:
            DuplicateKey: a key came not whole.
        """
        self._recent = (self._recent[1], {})
        rows.reverse()
        while rows:
            some = type(rows)(reversed(rows[-_ROWS_AT_ONCE:]))
            # The next page may be here already: what this one was is needed no more.
            del rows[-_ROWS_AT_ONCE:]
            yield from self._handed_on(self._records(some))

    def settle(self) -> Iterator[Rows]:
        """End the window: hand on the rows that were held back, except those that differ."""
        held = [record for key, record in self._held.items() if key not in self._differing]
        self._held = {}
        if held:
            yield from self._handed_on(held)

    @property
    def contradictions(self) -> list[tuple[str, str]]:
        """The keys whose rows differ, each with its day and as a person reads it."""
        day = self._key.index("date_start")
        return sorted((str(key[day]), _named(self._key, key)) for key in self._differing)

    def release(self) -> Iterator[Rows]:
        """Hand on the rows of days that are not as the target has them, once all are known."""
        for records in self.held.release():
            yield from self._written(self._reader.restored(records))

    def _handed_on(self, records: list[dict[str, Any]]) -> Iterator[Rows]:
        note_named(self._named, records)
        records = self.held.take(records)
        if records:
            yield from self._written(records)

    def _written(self, records: list[dict[str, Any]]) -> Iterator[Rows]:
        if self._plan.rows_to:
            yield Rows(self._account_id, self._plan.rows_to, self._shown(records))
        yield from self._action_rows(records)

    @property
    def spend(self) -> dict[str, Decimal]:
        """What was spent, by day; the days are all that have rows."""
        total = defaultdict(Decimal, self._earlier_spend)
        for day, spent in self._spend.items():
            total[day] += spent
        return total

    @property
    def row_count(self) -> int:
        """How many rows the window has, however often it was begun again."""
        left_out = len(self._differing & self._suspects)
        return len(self._keys) + len(self._earlier_keys) - left_out

    def _records(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        key_of_record = itemgetter(*self._key)
        keys, earlier, adds_up = self._keys, self._earlier_keys, self._adds_up
        spend = self._spend
        recent, fresh = self._recent[1], []
        records = self._reader.records(rows)
        for row, record in zip(rows, records, strict=True):
            key = key_of_record(record)
            if None in key:
                raise DuplicateKey(_complaint(self._plan.name, self._key, key))
            if key in keys or key in earlier:
                self._look_again(key, record)
                continue
            keys.add(key)
            recent[key] = record
            fresh.append((key, record))
            spend[record["date_start"]] += spend_of(row.get("spend")) if adds_up else 0
        if self._suspects:
            self._held.update(each for each in fresh if each[0] in self._suspects)
        return [record for key, record in fresh if key not in self._suspects]

    def _look_again(self, key: tuple[Any, ...], record: dict[str, Any]) -> None:
        """Compare a row with the earlier one of its key; one no longer kept counts as different."""
        first = self._held.get(key) or self._recent[1].get(key) or self._recent[0].get(key)
        if first != record:
            self._differing.add(key)

    def _shown(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the selected columns of the report itself."""
        hidden = self._plan.hidden
        if not hidden:
            return records
        return [{name: record[name] for name in record if name not in hidden} for record in records]

    def _action_rows(self, records: list[dict[str, Any]]) -> Iterator[Rows]:
        actions, stream = self._actions, self._plan.actions_to
        if actions is None or stream is None:
            return
        for start in range(0, len(records), _REPORT_ROWS_AT_ONCE):
            portion = records[start : start + _REPORT_ROWS_AT_ONCE]
            found = [row for record in portion for row in actions.records(record)]
            if found:
                yield Rows(self._account_id, stream, found)


def _named(names: Sequence[str], key: tuple[Any, ...]) -> str:
    # On one line, whatever stands in a key.
    values = [" ".join(str(value).split()) for value in key]
    return ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


def _complaint(stream: str, names: Sequence[str], key: tuple[Any, ...]) -> str:
    return (
        f"{stream}: Meta sent a row without a whole key ({_named(names, key)}); "
        "nothing of this window counts as delivered. Please report it with the report's "
        "definition."
    )
