"""On which days an ad account did anything at all: days that need not be asked for again.

Most accounts of a large agency are idle on most nights. One account-level call over the open days
of all streams tells on which days anything happened; windows without such a day are closed without
a call. Only what Meta said counts: a day that nobody asked about is never idle.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tap_meta_partner.days.buckets import ALL_DAYS
from tap_meta_partner.days.windows import DateWindow, between, joined, left_of
from tap_meta_partner.graph.values import spend_of
from tap_meta_partner.insights.columns import tells_of_its_own_life
from tap_meta_partner.settings.words import DEFAULT_ACTION_BREAKDOWNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from decimal import Decimal
    from typing import Any

    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.planning.open_days import OpenDays
    from tap_meta_partner.settings.model import ReportDefinition


#: As many days as an answer of one page at the account level has many times over.
_FEW_DAYS = 100


class Activity:
    """What is known of one ad account's active days."""

    def __init__(self, definitions: Iterable[ReportDefinition]) -> None:
        #: The attribution windows of all streams: a conversion that only one of them sees is life.
        self.attribution = tuple(
            dict.fromkeys(
                window
                for definition in definitions
                for window in definition.action_attribution_windows
            )
        )
        #: Stretches of days of which Meta said on which ones anything happened.
        self._known: list[DateWindow] = []
        self._active_days: set[str] = set()
        #: Idle days of which the level below had no rows either.
        self._confirmed: list[DateWindow] = []

    def learn(self, window: DateWindow, active_days: Collection[str]) -> None:
        """Take what Meta said of a window: the days on which anything happened."""
        self._known = joined([*self._known, window])
        self._active_days |= set(active_days)

    def forget(self, window: DateWindow) -> None:
        """Forget what Meta said of a window: another answer contradicted it."""
        self._known = [left for known in self._known for left in left_of(known, [window])]

    def confirm(self, window: DateWindow) -> None:
        """Take that the level below has no rows in a window either."""
        self._confirmed = joined([*self._confirmed, window])

    def is_confirmed(self, window: DateWindow) -> bool:
        """Tell whether the level below has no rows in a window either."""
        return any(window in stretch for stretch in self._confirmed)

    def knows(self, window: DateWindow) -> bool:
        """Tell whether Meta said on which days of a whole window anything happened."""
        return any(window in stretch for stretch in self._known)

    def idle_around(self, window: DateWindow) -> DateWindow:
        """Return an idle window together with all idle days known that join it."""
        stretch = next(known for known in self._known if window in known)
        active = [DateWindow(day, day) for day in map(dt.date.fromisoformat, self._active_days)]
        idle = left_of(stretch, [day for day in active if day.since in stretch])
        return next(days for days in idle if window in days)

    def is_told_by(self, definition: ReportDefinition) -> bool:
        """Tell whether a stream has a row for every day on which any other one has."""
        asked = set(definition.action_attribution_windows)
        return is_plain_account_level(definition) and asked.issuperset(self.attribution)

    def is_idle(self, definition: ReportDefinition, window: DateWindow) -> bool:
        """Tell whether nothing happened in the whole window; only what Meta said counts."""
        if definition.filtering or tells_of_its_own_life(definition):
            return False
        if not self.knows(window):
            return False
        since, until = str(window.since), str(window.until)
        return not any(since <= day <= until for day in self._active_days)

    def unknown_stretches(
        self, opened: Sequence[tuple[ReportDefinition, OpenDays]]
    ) -> list[DateWindow]:
        """Return the stretches of open days that the first stream itself will not tell about.

        A report of one row for all its days can be years long, and is a single call as it is: it
        counts only where its days are not many more than those of others.
        """
        first, first_days = opened[0]
        others = [
            days
            for definition, days in opened
            if definition.time_increment != ALL_DAYS
            or (days.forward is not None and days.forward.days <= _FEW_DAYS)
        ]
        stretches = []
        for own, stretch in (
            (first_days.forward, [days.forward for days in others]),
            (first_days.gap, [days.gap for days in others]),
        ):
            wanted = [window for window in stretch if window]
            if not wanted:
                continue
            union = DateWindow(
                min(item.since for item in wanted), max(item.until for item in wanted)
            )
            if not (own and union in own and self.is_told_by(first)):
                stretches.append(union)
        return stretches


def is_asked_again(
    window: DateWindow, bookmark: Bookmark, definition: ReportDefinition, *, today: dt.date
) -> bool:
    """Tell whether an empty answer about a window would be noticed, had Meta given it by mistake.

    It would where every day was delivered before, or lies within the lookback of the next runs.
    The first reading of an account has nothing to be noticed by.
    """
    if definition.reads_in_full:
        return True
    if bookmark.day is None:
        return False
    lookback = min(definition.lookback_days, (today - dt.date.min).days)
    delivered = between(bookmark.since or dt.date.min, bookmark.day)
    recent = between(today - dt.timedelta(days=lookback), today)
    # A bucket under way may end after today.
    asked = between(window.since, min(window.until, today))
    return not asked or not left_of(asked, [days for days in (delivered, recent) if days])


class ActiveDays:
    """A sink that keeps only on which days there were rows, and what was spent on them."""

    def __init__(self) -> None:
        self.spend: dict[str, Decimal] = {}

    def begin(self, part: str = "") -> None:  # noqa: ARG002
        """Forget the rows so far."""
        self.spend.clear()

    def page(self, rows: list[dict[str, Any]]) -> None:
        """Take one page."""
        self.spend |= {str(row.get("date_start")): spend_of(row.get("spend")) for row in rows}


def is_plain_account_level(definition: ReportDefinition) -> bool:
    """Tell whether a report has one row for each day of an account, and nothing else."""
    return (
        definition.level == "account"
        and definition.time_increment == 1
        and not definition.breakdowns
        and not definition.filtering
        and definition.action_breakdowns == DEFAULT_ACTION_BREAKDOWNS
    )
