"""What a run sends out: its messages, its STATE and its exit code; and the signal that ends it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from singer_sdk.singerlib import RecordMessage

from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.outputs.secrecy import redacted
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.singer.writing import PageWriter, TargetGone
from tap_meta_partner.sync.run import Interrupted, SyncRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, NoReturn

    from singer_sdk import Tap
    from singer_sdk.streams import Stream

    from tap_meta_partner.lanes.clock import Clock
    from tap_meta_partner.settings.model import Settings

#: A shell's exit code for a process that a signal ended: 128 and the signal's number.
_SIGNAL_EXIT = 128


@dataclass(slots=True, eq=False)
class Delivery:
    """The one run of a tap, and all that leaves the process because of it.

    Args:
        tap: whose messages and state these are. No more of it is used than the SDK has.
        settings: what is wanted.
        clock: time and chance.
    """

    tap: Tap
    settings: Settings
    clock: Clock
    _run: SyncRun | None = None
    _signal: int | None = None

    @property
    def run(self) -> SyncRun:
        """The run, begun when it is first asked for."""
        if self._run is None:
            # All about the accounts is asked only where somebody wants to read it.
            wanted = self.tap.streams["ad_accounts"].selected
            self._run = SyncRun(self.settings, self.clock, further=wanted)
            if self._signal is not None:
                self._run.stop()
        return self._run

    @property
    def has_run(self) -> bool:
        """Whether the run has begun."""
        return self._run is not None

    def write_records(self, stream: str, records: Iterable[dict[str, Any]]) -> None:
        """Write a page of records, at once where the writer can."""
        writer, now = self.tap.message_writer, self.clock.utc_now()
        if isinstance(writer, PageWriter):
            writer.write_records(stream, records, now)
            return
        for record in records:
            writer.write_message(RecordMessage(stream=stream, record=record, time_extracted=now))

    def write_state(self) -> None:
        """Send STATE, if it differs from the last one sent."""
        self.tap.state_writer.write_state(self.tap.state)

    def stop(self, signum: int) -> None:
        """Handle a signal: only set a flag, as writing could break a message in half.

        Raises:
            SystemExit: it is the second one, and the run has not begun.
        """
        if self._run is not None:
            self._run.stop()
        elif self._signal is not None:
            # Asked twice before the run began: there is no state to save yet.
            raise SystemExit(_SIGNAL_EXIT + signum)
        self._signal = signum

    @contextlib.contextmanager
    def saying_what_went_wrong(self) -> Iterator[None]:
        """End the run with STATE and one line when it cannot go on.

        Raises:
            SystemExit: it cannot; the code says whether for a signal.
        """
        logger = self.tap.logger
        try:
            yield
        except TargetGone:
            if self._signal is not None:
                self._end_after_signal()
            raise
        except MetaError as error:
            self.write_state()
            self._say_summary()
            logger.error("%s", error.reason)  # noqa: TRY400  (a line for a person)
            raise SystemExit(1) from None
        except SettingsError as error:
            logger.error("%s", error)  # noqa: TRY400  (a line for a person)
            raise SystemExit(1) from None
        except Interrupted:
            self._end_after_signal()
        except Exception as error:
            # A stream map that meets a null, say: what was delivered before counts.
            self.write_state()
            self._say_summary()
            logger.debug("unexpected", exc_info=error)
            logger.error(  # noqa: TRY400  (a line for a person)
                "stopped by an unexpected %s: %.200s. If stream_maps are set, mind that metrics "
                "can be null; otherwise please report it",
                type(error).__name__,
                # Before it is cut: half a secret would not be found.
                redacted(str(error)),
            )
            raise SystemExit(1) from None

    def stream_over(self, stream: Stream) -> None:
        """Take note that the SDK has done with a stream; after the last one say how it went.

        Raises:
            SystemExit: a signal ended the run, or it counts as failed.
        """
        if stream is not list(self.tap.streams.values())[-1]:
            return
        if self._signal is not None:
            self._end_after_signal()
        for name in self._not_selected():
            self.tap.logger.warning(
                "the report %s is defined, but not selected, so it is not read: add %s.* to select",
                name,
                name,
            )
        if self._run is None:
            self.tap.logger.error(
                "nothing was read: select an insights stream, for example ad_insights.*, "
                "or ad_accounts.*"
            )
            raise SystemExit(1)
        self._say_summary()
        if self._run.results.failed():
            raise SystemExit(1)

    def _not_selected(self) -> list[str]:
        """Name the reports that are defined and of which no stream is selected."""
        selected = {name for name, stream in self.tap.streams.items() if stream.selected}
        names = [report.name for report in self.settings.reports]
        return [name for name in names if not selected & {name, f"{name}_actions"}]

    def _say_summary(self) -> None:
        """Say how the run went, as far as it came, if it came to any account."""
        if self._run is None or not self._run.results:
            return
        # Also in a good night: who shows warnings only, wants to see that it went well.
        for line in self._run.results.summary():
            self.tap.logger.warning("%s", line)

    def _end_after_signal(self) -> NoReturn:
        with contextlib.suppress(TargetGone):
            self.write_state()
        self._say_summary()
        self.tap.logger.warning("stopped by a signal; the next run goes on from the bookmarks")
        raise SystemExit(_SIGNAL_EXIT + (self._signal or 0))
