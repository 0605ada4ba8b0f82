"""The tap in another time: `python -m tests.support.fast_time SECONDS_PER_MINUTE [--now …] …`.

Only the clock differs: a minute lasts as many real seconds as said, and with `--now` the run begins
at that instant.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import Any

from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.tap import TapMetaPartner


def _clock(second: float, now: dt.datetime | None) -> Clock:
    """Make a clock whose seconds last so many real ones, and that may show another time."""
    if now is None:
        return Clock(monotonic=lambda: time.monotonic() / second, second=second)
    begun = time.monotonic()
    return Clock(
        utc_now=lambda: now + dt.timedelta(seconds=(time.monotonic() - begun) / second),
        monotonic=lambda: time.monotonic() / second,
        second=second,
    )


def _tap_in(clock: Clock) -> type[TapMetaPartner]:
    class FastTap(TapMetaPartner):
        """The same tap with another clock."""

        def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
            super().__init__(clock=clock, **kwargs)

    return FastTap


if __name__ == "__main__":
    second = float(sys.argv.pop(1)) / 60
    begin = None
    if sys.argv[1:2] == ["--now"]:
        begin = dt.datetime.fromisoformat(sys.argv[2])
        del sys.argv[1:3]
    _tap_in(_clock(second, begin)).cli()
