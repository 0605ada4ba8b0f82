"""One insights stream of one ad account, window by window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_meta_partner.days.windows import DateWindow
from tap_meta_partner.planning.open_days import close_window

if TYPE_CHECKING:
    import datetime as dt

    from tap_meta_partner.planning.bookmarks import Bookmark
    from tap_meta_partner.planning.open_days import OpenDays
    from tap_meta_partner.planning.pace import Pace


@dataclass(slots=True)
class Progress:
    """How far one account has come in one stream."""

    bookmark: Bookmark
    covered: DateWindow | None = None
    rows: int = 0

    def close(self, window: DateWindow, days: OpenDays, pace: Pace, today: dt.date) -> None:
        """Close a window: move the bookmark behind it, and keep its pace."""
        moved = close_window(self.bookmark, window, days, today=today)
        self.bookmark = replace(moved, pace=pace)
        covered = self.covered or window
        self.covered = DateWindow(
            min(covered.since, window.since), max(covered.until, window.until)
        )
