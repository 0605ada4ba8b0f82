"""What an ad account's days were like as a whole when a stream last read them.

A day of the lookback on which the account's own row is as it was then need not be asked of the
levels below. That saves a large account most of its calls. It is no proof: spend can move from one
ad to another while the account's day stays equal. So the last days, and every seventh night all
days, are read whatever the account says.

Beside a bookmark it stands like the digests of delivered days (`planning/digests.py`), with the
day on which all days were last read::

    "account_days": {"of": "k3TzQ0aB", "at": "2026-11-24", "from": "2026-11-22",
                     "days": "Zr1x0cE8AAAAAAAApV2LmQ9d", "whole": "2026-11-20"}
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from tap_meta_partner.days.history import is_final
from tap_meta_partner.days.windows import DateWindow, left_of
from tap_meta_partner.graph.values import date_of, maybe
from tap_meta_partner.insights.columns import tells_of_its_own_life
from tap_meta_partner.insights.fields import Kind, below, kind_of
from tap_meta_partner.planning.activity import is_plain_account_level
from tap_meta_partner.planning.digests import (
    Digests,
    day_digest,
    digest_of,
    digests_as_json,
    read_digests,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.settings.model import ReportDefinition

#: Nights after which all days are read again.
WHOLE_AFTER = dt.timedelta(days=7)

#: Today, and as many days before it, are read every night: they move most.
ALWAYS_READ = 3

#: Fewer days than these between two that changed are read along: each stretch is a call.
FEWEST_SPARED = 3

#: What moves. Names, statuses and rankings are of objects below the account.
_MOVING = (Kind.COUNT, Kind.NUMBER, Kind.ACTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDays:
    """What the account's days were like when a stream last read them.

    Attributes:
        digests: of the account's row of each day, of those that were compared; `of` says what the
            stream's rows and the account's were made of.
        whole: the day on which all open days were last read.
    """

    digests: Digests = field(default_factory=Digests)
    whole: dt.date | None = None

    def closed(
        self, window: DateWindow, now: Mapping[dt.date, str], of: str, *, since: dt.date | None
    ) -> AccountDays:
        """Return it after a stream has read a window; arguments as of `Digests.closed`."""
        found = {day: text for day, text in now.items() if window.since <= day <= window.until}
        return replace(self, digests=self.digests.closed(window, found, of, since=since))


def may_be_spared(definition: ReportDefinition) -> bool:
    """Tell whether the account's own days tell when a report's rows move.

    Not of a part of the account, nor of what has values without anything else.
    """
    return (
        definition.time_increment == 1
        and not is_plain_account_level(definition)
        and not definition.reads_in_full
        and not definition.filtering
        and not tells_of_its_own_life(definition)
    )


def moving(fields: Iterable[str]) -> tuple[str, ...]:
    """Return those of a report's fields that the account's row has too, and that move."""
    return tuple(name for name in fields if kind_of(name) in _MOVING and not below(name, "account"))


def days_of(rows: Iterable[Mapping[str, Any]], window: DateWindow) -> dict[dt.date, str]:
    """Return the digests of a window's days by the account's rows, of days without one too.

    In what order Meta lists the actions of a day says nothing.
    """
    shares = dict.fromkeys(map(str, window.each_day()), 0)
    for row in rows:
        day = str(row.get("date_start"))
        if day in shares:
            shares[day] += digest_of(_canonical(row))
    return {dt.date.fromisoformat(day): day_digest(share) for day, share in shares.items()}


def spared_stretches(
    bookmark: Bookmark, now: Mapping[dt.date, str], of: str, window: DateWindow, *, today: dt.date
) -> list[DateWindow]:
    """Return the stretches of a window that need not be read again.

    Args:
        bookmark: what was delivered; nothing is spared while anything of it is missing.
        now: what the account's days are like now.
        of: what rows are made of now.
        window: the open days.
        today: the ad account's own today.
    """
    kept = bookmark.account_days
    if kept.whole is None or not dt.timedelta(0) <= today - kept.whole < WHOLE_AFTER:
        return []
    if bookmark.day is None or bookmark.withheld.without or bookmark.withheld.unread:
        return []
    known = kept.digests.known(of)
    newest = min(bookmark.day, today - dt.timedelta(days=ALWAYS_READ + 1))

    def is_spared(day: dt.date) -> bool:
        # A day becomes final once: its rows say so, and are written for it.
        same = day in known and known[day] == now.get(day)
        return same and day <= newest and not is_final(day, today=today)

    stretches = [
        DateWindow(days[0], days[-1])
        for spared, group in groupby(window.each_day(), is_spared)
        if spared and len(days := list(group)) >= FEWEST_SPARED
    ]
    holes = [hole.window for hole in bookmark.holes]
    return [part for stretch in stretches for part in left_of(stretch, holes)]


def read_account_days(partition: Mapping[str, Any]) -> AccountDays:
    """Read it out of a state partition; none where the bookmark is another one."""
    value = partition.get("account_days")
    if not isinstance(value, dict):
        return AccountDays()
    whole = maybe(date_of, value.get("whole"))
    return AccountDays(
        digests=read_digests({**partition, "digests": value}),
        whole=None if whole is None else dt.date.fromisoformat(whole),
    )


def account_days_as_json(days: AccountDays, day: dt.date | None) -> dict[str, str] | None:
    """Return it as it is kept beside a bookmark, None where there is none."""
    found = digests_as_json(days.digests, day)
    if found is None or days.whole is None:
        return found
    return {**found, "whole": days.whole.isoformat()}


def _canonical(row: Mapping[str, Any]) -> bytes:
    ordered = {
        name: sorted(map(_as_text, value)) if isinstance(value, list) else value
        for name, value in row.items()
    }
    return _as_text(ordered).encode()


def _as_text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
