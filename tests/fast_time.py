"""The tap in fast time: `python -m tests.fast_time SECONDS_PER_MINUTE …arguments`.

Only the clock differs: a minute of waiting lasts as many real seconds as said.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from tap_meta_partner.run import Clock
from tap_meta_partner.tap import TapMetaPartner


def _tap_in(clock: Clock) -> type[TapMetaPartner]:
    class FastTap(TapMetaPartner):
        """The same tap with another clock."""

        def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
            super().__init__(clock=clock, **kwargs)

    return FastTap


if __name__ == "__main__":
    second = float(sys.argv.pop(1)) / 60
    fast = Clock(monotonic=lambda: time.monotonic() / second, second=second)
    _tap_in(fast).cli()
