"""What a run's calls go through: the version asked for, what Meta says of it, and the recording."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_meta_partner.lanes.threads import over_http
from tap_meta_partner.settings.versions import VERSION_SOON_DAYS, higher_than, life_of
from tap_meta_partner.sync.recording.recorder import Recorder

if TYPE_CHECKING:
    import datetime as dt

    from tap_meta_partner.graph.calls import Answer
    from tap_meta_partner.graph.errors import MetaError
    from tap_meta_partner.lanes.clock import Clock
    from tap_meta_partner.lanes.threads import WakingTransport
    from tap_meta_partner.settings.model import Settings

logger = logging.getLogger(__name__)

#: This version has ended, or is older than the app, which may call only what was there when it was
#: made (Meta: "Versioning").
_DEAD_VERSION = 2635


@dataclass(slots=True)
class Wire:
    """Makes what sends a run's calls.

    Args:
        settings: address, tokens, version, and whether to record.
        clock: time.
        begun: when the run began.
    """

    settings: Settings
    clock: Clock
    begun: dt.datetime
    _recorder: Recorder | None = None
    _said: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def transport(self) -> WakingTransport:
        """Return threads that send calls, for one drive.

        Raises:
            SettingsError: the recording cannot be written.
        """
        if self.settings.record_to and self._recorder is None:
            self._recorder = Recorder(self.settings, begun=self.begun)
        return over_http(self.settings, self.clock, heard=self.hear, exchanged=self._recorder)

    def hear(self, answer: Answer) -> None:
        """Say once per run that Meta answers as another version than the one asked for."""
        asked = self.settings.api_version
        if answer.version in (None, asked) and not answer.warning:
            return
        with self._lock:
            is_new, self._said = not self._said, True
        if not is_new:
            return
        logger.warning(
            "Meta answers calls to %s as %s%s. Columns may change with it: set api_version to it "
            "once you have looked",
            asked,
            answer.version or "a later version",
            f" ({answer.warning[:200]!a})" if answer.warning else "",
        )

    def warn_of_end(self) -> None:
        """Say that the version ends soon, or has ended, where its end is known."""
        version = self.settings.api_version
        ends = life_of(version).ends
        if ends is None:
            return
        left = (ends - self.begun.date()).days
        if left <= VERSION_SOON_DAYS:
            logger.warning(
                "%s %s on %s: set api_version to a newer one, or upgrade the tap and leave it out",
                version,
                "ends" if left >= 0 else "ended",
                ends,
            )

    def go_up(self, error: MetaError) -> Settings | None:
        """Ask for a later version from now on, if Meta refuses this one.

        Args:
            error: of the run's first call.

        Returns:
            The settings with the later version; None where the error is another, or none is known.
        """
        if error.fault.code != _DEAD_VERSION:
            return None
        version = self.settings.api_version
        higher = higher_than(version, error.fault.message)
        if higher is None:
            return None
        logger.warning(
            "Meta takes no calls to %s (it has ended, or the app is newer): asking as %s from here "
            "on. Set api_version to it",
            version,
            higher,
        )
        self.settings = replace(self.settings, api_version=higher)
        return self.settings
