"""What the ads of a world delivered on each day, and how Meta restated it since."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.world.delivery import Change, ad_day, restated
from tap_meta_partner.sandbox.world.recently_used import RecentlyUsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_meta_partner.sandbox.world.advertising import Ad, AdAccount
    from tap_meta_partner.sandbox.world.delivery import AdDays, Facts

# Meta restates insights for 28 days (Meta, "Insights API best practices").
RESTATED_DAYS = 28
_DayKey = tuple[str, dt.date, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Restatement:
    """One time Meta corrected its numbers; its position in the list of them is its revision."""

    share: float
    at: dt.datetime

    def touches(self, account: AdAccount, day: dt.date) -> bool:
        """Tell whether `day` was among the account's last 28 days (its today included) then."""
        today = account.today(self.at)
        return today - dt.timedelta(days=RESTATED_DAYS - 1) <= day <= today


class Delivered:
    """The ad-days of a world; the same seed and revision give the same numbers."""

    def __init__(self, seed: int, now: Callable[[], dt.datetime]) -> None:
        self.restatements: list[Restatement] = []
        self._seed = seed
        self._now = now
        self._ad_days: RecentlyUsed[_DayKey, AdDays] = RecentlyUsed(limit=60_000)

    @property
    def revision(self) -> int:
        """How often the numbers have been restated."""
        return len(self.restatements)

    def restate(self, share: float) -> int:
        """Correct the last 28 days of every account and return the new revision."""
        self.restatements.append(Restatement(share=share, at=self._now()))
        return self.revision

    def ad_days(self, account: AdAccount, day: dt.date, revision: int | None = None) -> AdDays:
        """Return which ads have a row on `day`, in id order, with their facts as of `revision`."""
        if day > account.today(self._now()):
            return []
        known = self.restatements[: self.revision if revision is None else revision]
        touched = tuple(n for n, r in enumerate(known, 1) if r.touches(account, day))
        key = (account.id, day, touched)
        found = self._ad_days.get(key)
        if found is None:
            found = list(self._made(account, day, [Change(n, known[n - 1].share) for n in touched]))
            self._ad_days.put(key, found)
        return found

    def _made(
        self, account: AdAccount, day: dt.date, changes: list[Change]
    ) -> Iterator[tuple[Ad, Facts]]:
        if not account.delivers_on(day):
            return
        ordinal = day.toordinal()
        for ad in account.ads:
            facts = ad_day(self._seed, ad, ordinal)
            for change in changes:
                facts = restated(self._seed, ad, ordinal, facts, change)
            if facts is not None:
                yield ad, facts
