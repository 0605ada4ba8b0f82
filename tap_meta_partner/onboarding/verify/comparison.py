"""One account, held against what Meta says of it: what differs, and the reason that can be proved.

Nothing here asks or guesses. A reason is given where the rows themselves show it: their `read_at`,
their time zone, their emptiness, what is left without older readings, what Meta says of that level.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.days.history import is_final
from tap_meta_partner.onboarding.verify.amounts import ACTIONS, NOTHING, are_equal, total
from tap_meta_partner.onboarding.verify.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.onboarding.verify.amounts import HeldStream, Told

_DELIVERED = "delivered"
_ACCOUNT = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One amount of one day that is not what Meta says."""

    stream: str
    metric: str
    day: dt.date
    amount: Decimal
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One account's streams beside what Meta says.

    Args:
        window: the days compared.
        zone: the account's.
        timezone_name: its name, as Meta gives it now.
        told: Meta's answer at account level.
        streams: what the target holds, the account level first.
        metrics: what is compared.
        lookback_days: the setting.
        today: the account's own.
        by_level: Meta's answers below the account, where they were asked for, by level.
    """

    window: DateWindow
    zone: dt.tzinfo
    timezone_name: str | None
    told: Told
    streams: Sequence[HeldStream]
    metrics: Sequence[str]
    lookback_days: int
    today: dt.date
    by_level: Mapping[str, Told] = field(default_factory=dict)

    def differences(self) -> Iterator[Difference]:
        """Yield what is not equal, day by day."""
        for stream in self.streams:
            for metric in self.metrics:
                if metric not in stream.metrics:
                    continue
                for day in self.window.each_day():
                    held, told = stream.held(day, metric), self.told.on(day, metric)
                    if not are_equal(held, told):
                        yield Difference(
                            stream=stream.stream,
                            metric=metric,
                            day=day,
                            amount=held - told,
                            reason=self._reason(stream, metric, day),
                        )

    def is_askew(self, metric: str) -> bool:
        """Tell whether Meta's own days do not add up to its total."""
        days = sum((self.told.on(day, metric) for day in self.window.each_day()), NOTHING)
        return not are_equal(days, self.told.total.get(metric, NOTHING))

    def held(self, stream: HeldStream, metric: str) -> Decimal | None:
        """Return what a stream holds over all days; None where it has no such column."""
        if metric not in stream.metrics:
            return None
        days = self.window.each_day()
        return sum((stream.held(day, metric) for day in days), NOTHING)

    def _reason(self, stream: HeldStream, metric: str, day: dt.date) -> Reason:
        if not stream.days.get(day):
            return self._absent(stream, day) or self._below(stream, metric, day)
        latest, told = stream.latest(day), self.told.on(day, metric)
        if len(latest) < len(stream.days[day]) and are_equal(total(latest, metric), told):
            return Reason.WITHDRAWN
        if all(each.empty.get(metric, 0) == each.rows for each in latest):
            return Reason.FIELD_EMPTY
        names = {each.timezone_name for each in latest if each.timezone_name}
        if self.timezone_name and names - {self.timezone_name}:
            return Reason.TIME_ZONE
        if metric.startswith(ACTIONS) and self._attribution_moved(day):
            return Reason.ATTRIBUTION
        return self._restated(stream, metric, day) or self._below(stream, metric, day)

    def _absent(self, stream: HeldStream, day: dt.date) -> Reason | None:
        """Tell why a day on which there was delivery has no row."""
        if stream.first_day is None:
            return Reason.NEVER_READ
        if day < self._began(stream):
            return Reason.BEFORE_START
        if stream.last_read is None:
            return None
        read_on = stream.last_read.astimezone(self.zone).date()
        if day > read_on:
            return Reason.NOT_READ_SINCE
        return Reason.NOT_OVER if day == read_on else None

    def _began(self, stream: HeldStream) -> dt.date:
        """Return the first day of the streams that should begin together."""
        return min(
            each.first_day or dt.date.max
            for each in (stream, *self.streams)
            if each.start == stream.start
        )

    def _restated(self, stream: HeldStream, metric: str, day: dt.date) -> Reason | None:
        """Tell whether Meta was still correcting the day when it was read."""
        read_at = stream.read_on(day)
        if read_at is None or self._account_is_right(stream, metric, day, read_at):
            return None
        read_on = read_at.astimezone(self.zone).date()
        if read_on <= day:
            return Reason.NOT_OVER
        if is_final(day, today=read_on):
            return None
        if (self.today - day).days <= self.lookback_days + 1:
            return Reason.RESTATED
        return Reason.RESTATED_TOO_LONG_AGO

    def _account_is_right(
        self, stream: HeldStream, metric: str, day: dt.date, read_at: dt.datetime
    ) -> bool:
        """Tell whether the account's own row, read before, is what Meta still says.

        Then Meta has corrected nothing since, and what is wrong below the account is no correction.
        """
        return any(
            are_equal(each.held(day, metric), self.told.on(day, metric))
            and (earlier := each.read_on(day)) is not None
            and earlier <= read_at
            for each in self.streams
            if each.level == _ACCOUNT and each is not stream and metric in each.metrics
        )

    def _attribution_moved(self, day: dt.date) -> bool:
        """Compare settings at account level only: below it each ad set has its own."""
        held = {
            name
            for stream in self.streams
            if stream.level == _ACCOUNT
            for each in stream.latest(day)
            for name in each.attribution
        }
        return bool(held and self.told.attribution and held != self.told.attribution)

    def _below(self, stream: HeldStream, metric: str, day: dt.date) -> Reason:
        """Tell whether Meta's own rows of this level lack the same."""
        told = self.by_level.get(stream.level)
        if told is not None and are_equal(total(stream.latest(day), metric), told.on(day, metric)):
            return Reason.DELETED
        status = stream.status
        if status is not None and status.result != _DELIVERED:
            return Reason.HOLE
        return Reason.UNKNOWN
