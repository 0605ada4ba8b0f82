"""The Singer tap: its settings, its streams, and how a run begins and ends."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities

from tap_meta_partner.dimensions.tables import DIMENSIONS
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.insights.combinations import impossible
from tap_meta_partner.insights.doubts import doubts, mistakes
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.reading import parse_settings, unknown_settings
from tap_meta_partner.settings.table import CONFIG_SCHEMA
from tap_meta_partner.settings.words import LEVELS
from tap_meta_partner.singer import (
    AccountSyncStatusStream,
    ActionRowsStream,
    AdAccountsStream,
    DimensionStream,
    InsightsStream,
    SyncedStream,
    plans_of,
)
from tap_meta_partner.singer.delivery import SIGNAL_EXIT
from tap_meta_partner.singer.input import (
    Complaint,
    read_object,
    trouble_with_catalog,
    trouble_with_state,
)
from tap_meta_partner.singer.writing import PageWriter, TargetGone
from tap_meta_partner.sync.run import Interrupted, SyncRun

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import FrameType
    from typing import IO, Any, ClassVar, NoReturn

    import click
    from singer_sdk.singerlib import Message
    from singer_sdk.streams import Stream

    from tap_meta_partner.dimensions.request import DimensionPlan
    from tap_meta_partner.insights.plan import InsightsPlan
    from tap_meta_partner.settings.model import ReportDefinition, Settings
    from tap_meta_partner.singer import PartnerStream


class TapMetaPartner(Tap):
    """Singer tap for the ads insights of many Meta clients, with one System User token."""

    name = "tap-meta-partner"
    package_name = "tap-meta-partner"
    message_writer_class = PageWriter
    capabilities: ClassVar[list[Any]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    config_jsonschema: ClassVar[dict[str, Any]] = CONFIG_SCHEMA

    settings: Settings

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        catalog: Any = None,  # noqa: ANN401  (the SDK takes several kinds)
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        trouble = trouble_with_catalog(catalog) if isinstance(catalog, (dict, list)) else None
        if trouble:
            raise Complaint(f"the catalog cannot be read: {trouble}. Make it anew with --discover.")
        self.clock = clock or Clock()
        self._run: SyncRun | None = None
        self._signal: int | None = None
        super().__init__(catalog=catalog, **kwargs)

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        for path in map(Path, value):
            if path.is_file():
                read_object("config", path.read_text)
        return super().cb_config(ctx, param, value)

    @classmethod
    @override
    def invoke(
        cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **kwargs: Any
    ) -> None:
        super().invoke(
            state=state and io.StringIO(read_object("state", state.read)),
            catalog=catalog and io.StringIO(read_object("catalog", catalog.read)),
            **kwargs,
        )

    @override
    def setup_mapper(self) -> None:
        # The streams put a catalog right, of which the mapper makes SCHEMA.
        self.streams  # noqa: B018
        super().setup_mapper()

    @property
    def run(self) -> SyncRun:
        """The run, begun when it is first asked for."""
        if self._run is None:
            wanted = any(
                isinstance(stream, AdAccountsStream) and stream.selected
                for stream in self.streams.values()
            )
            self._run = SyncRun(self.settings, self.clock, further=wanted)
            if self._signal is not None:
                self._run.stop()
        return self._run

    @property
    def has_run(self) -> bool:
        """Whether the run has begun."""
        return self._run is not None

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings before the SDK does: its errors quote secrets, on several lines."""
        self._check_own_settings(token_needed=raise_errors)
        try:
            problems = super()._validate_config(raise_errors=raise_errors)
        except ConfigValidationError as error:
            # Of the SDK's own settings; ours are sound by now.
            raise Complaint(" ".join("; ".join(error.errors).split())[:300]) from None
        for text in unknown_settings(self._config, self.config_jsonschema["properties"]):
            self.logger.warning("%s", text)
        return problems

    def _check_own_settings(self, *, token_needed: bool) -> None:
        """Parse the tap's own settings, and put what the SDK will check into the form it wants."""
        now = self.clock.utc_now()
        try:
            self.settings = parse_settings(self._config, now=now, token_needed=token_needed)
        except SettingsError as error:
            raise Complaint(str(error)) from None
        for definition in self.settings.definitions:
            for mistake in mistakes(definition):
                raise Complaint(mistake)
        for name in [name for name, value in self._config.items() if value is None or value == ""]:
            del self._config[name]
        for name in ("max_run_minutes", "request_timeout"):
            if name in self._config:
                # A number in the environment is text, which the SDK would refuse.
                self._config[name] = getattr(self.settings, name)
        if "reports" in self._config:
            self._config["reports"] = [_given(report) for report in self._config["reports"]]

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        trouble = trouble_with_state(state)
        if trouble:
            raise Complaint(f"the state cannot be read: {trouble}. Correct it or run without it.")
        super().load_state(state)

    @override
    def discover_streams(self) -> Sequence[PartnerStream]:
        """Make the streams: no call is needed for that."""
        # The four built-in streams share their fields: the closest level speaks for them all.
        for definition in self.settings.definitions[len(LEVELS) - 1 :]:
            self._say_doubts(definition)
        return [
            AdAccountsStream(self),
            AccountSyncStatusStream(self),
            *(
                stream
                for definition in self.settings.definitions
                for stream in self._streams_of(definition)
            ),
            *(DimensionStream(self, name) for name in DIMENSIONS),
        ]

    def _streams_of(self, definition: ReportDefinition) -> Iterator[SyncedStream[Any]]:
        yield InsightsStream(self, definition)
        if definition.action_rows:
            yield ActionRowsStream(self, definition)

    def _say_doubts(self, definition: ReportDefinition) -> None:
        for doubt in doubts(definition, api_version=self.settings.api_version):
            self.logger.warning("%s", doubt)
        for reason in impossible(definition):
            self.logger.warning("%s: %s", definition.name, reason)

    @property
    def selected_synced(self) -> list[SyncedStream[Any]]:
        """The streams read account by account, in the order in which the SDK comes to them."""
        return [
            stream
            for stream in self.streams.values()
            if isinstance(stream, SyncedStream) and stream.selected
        ]

    def plans_for(self, streams: Iterable[Stream]) -> list[InsightsPlan | DimensionPlan]:
        """Say what to ask for those of these streams that are read account by account."""
        synced = [stream for stream in streams if isinstance(stream, SyncedStream)]
        dimensions = [stream.plan for stream in synced if isinstance(stream, DimensionStream)]
        return [*plans_of(synced), *dimensions]

    @property
    def selected_status(self) -> AccountSyncStatusStream | None:
        """The stream of results, if it is wanted."""
        for stream in self.streams.values():
            if isinstance(stream, AccountSyncStatusStream) and stream.selected:
                return stream
        return None

    def write_page(self, messages: Iterable[Message]) -> None:
        """Write messages, at once where the writer can."""
        writer = self.message_writer
        if isinstance(writer, PageWriter):
            writer.write_page(messages)
            return
        for message in messages:
            writer.write_message(message)

    def write_state(self) -> None:
        """Send STATE, if it differs from the last one sent."""
        self.state_writer.write_state(self.state)

    @contextlib.contextmanager
    def saying_what_went_wrong(self) -> Iterator[None]:
        """End the run with STATE and one line when it cannot go on."""
        try:
            yield
        except TargetGone:
            if self._signal is not None:
                self._end_after_signal()
            raise
        except MetaError as error:
            self.write_state()
            self.logger.error("%s", error.reason)  # noqa: TRY400  (a line for a person)
            raise SystemExit(1) from None
        except SettingsError as error:
            self.logger.error("%s", error)  # noqa: TRY400
            raise SystemExit(1) from None
        except Interrupted:
            self._end_after_signal()
        except Exception as error:
            # A stream map that meets a null, say: what was delivered before counts.
            self.write_state()
            self.logger.debug("unexpected", exc_info=error)
            self.logger.error(  # noqa: TRY400
                "stopped by an unexpected %s: %.200s. If stream_maps are set, mind that metrics "
                "can be null; otherwise please report it",
                type(error).__name__,
                error,
            )
            raise SystemExit(1) from None

    def stream_over(self, stream: PartnerStream) -> None:
        """Take note that the SDK has done with a stream; after the last one say how it went."""
        if stream is not list(self.streams.values())[-1]:
            return
        if self._signal is not None:
            self._end_after_signal()
        if self._run is None:
            self.logger.warning("nothing was asked: no insights stream, nor ad_accounts, is wanted")
            return
        if not self.run.results:
            return
        first, *others = self.run.results.summary()
        self.logger.info("%s", first)
        for line in others:
            self.logger.warning("%s", line)
        if self.run.results.failed():
            raise SystemExit(1)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Only raise a flag: writing here could break a message in half on a full pipe."""
        if self._run is not None:
            self._run.stop()
        elif self._signal is not None:
            # Asked twice before the run began: there is no state to save yet.
            raise SystemExit(SIGNAL_EXIT + signum)
        self._signal = signum

    def _end_after_signal(self) -> NoReturn:
        with contextlib.suppress(TargetGone):
            self.write_state()
        self.logger.warning("stopped by a signal; the next run goes on from the bookmarks")
        raise SystemExit(SIGNAL_EXIT + (self._signal or 0))


def _given(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report's keys that say something."""
    return {key: value for key, value in report.items() if value is not None}


def main() -> None:
    """Run the tap's command line."""
    TapMetaPartner.cli()


if __name__ == "__main__":
    main()
