"""The Singer tap: its settings, its streams, and how a run begins and ends."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities

from tap_meta_partner.dimensions.tables import DIMENSIONS, WITH_HISTORY
from tap_meta_partner.insights.combinations import impossible
from tap_meta_partner.insights.doubts import doubts, mistakes
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.outputs.last_line import one_line_at_worst
from tap_meta_partner.outputs.log_records import guard_logs
from tap_meta_partner.outputs.secrecy import may_be_shown
from tap_meta_partner.settings.kinds import ListOf
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.reading import (
    early_starts,
    for_catalog,
    idle_settings,
    parse_settings,
    unknown_settings,
)
from tap_meta_partner.settings.sources import combined, unknown_variables
from tap_meta_partner.settings.table import CONFIG_SCHEMA, TABLE
from tap_meta_partner.settings.words import LEVELS
from tap_meta_partner.singer import (
    AccountSyncStatusStream,
    ActionRowsStream,
    AdAccountsStream,
    DimensionStream,
    HistoryStream,
    InsightsStream,
    plans_for,
)
from tap_meta_partner.singer.delivery import Delivery
from tap_meta_partner.singer.input import (
    Complaint,
    ReadOnce,
    read_object,
    trouble_with_catalog,
    trouble_with_state,
)
from tap_meta_partner.singer.routine_lines import hush_routine_lines
from tap_meta_partner.singer.writing import PageWriter

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType
    from typing import IO, Any, ClassVar

    import click

    from tap_meta_partner.settings.model import ReportDefinition, Settings
    from tap_meta_partner.singer import ByAccountStream, PartnerStream


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
    delivery: Delivery

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        catalog: Any = None,  # noqa: ANN401  (the SDK takes several kinds)
        config: Any = None,  # noqa: ANN401  (as above)
        parse_env_config: bool = False,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        if parse_env_config:
            config = self._with_variables(config or {})
        trouble = trouble_with_catalog(catalog) if isinstance(catalog, (dict, list)) else None
        if trouble:
            raise Complaint(f"the catalog cannot be read: {trouble}. Make it anew with --discover.")
        self.clock = clock or Clock()
        guard_logs()
        hush_routine_lines(logging.getLogger(self.name))
        super().__init__(catalog=catalog, config=config, **kwargs)

    @classmethod
    def _with_variables(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Add what the environment and `.env` say, as `meta-partner` does.

        The SDK would let the environment go before a file, put all of a `.env`, interpolated, into
        the environment, and look for one in the folders above its own code.
        """
        cls.append_builtin_config(cls.config_jsonschema)
        further = cls.config_jsonschema["properties"]
        try:
            return combined(given, os.environ, Path(".env"), further=further)
        except SettingsError as error:
            raise Complaint(str(error)) from None

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
            state=state and ReadOnce(read_object("state", state.read)),
            catalog=catalog and ReadOnce(read_object("catalog", catalog.read)),
            **kwargs,
        )

    @override
    def setup_mapper(self) -> None:
        # The streams put a catalog right, of which the mapper makes SCHEMA.
        self.streams  # noqa: B018
        super().setup_mapper()

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings before the SDK does: its errors quote secrets, on several lines."""
        self._check_own_settings(token_needed=raise_errors)
        try:
            problems = super()._validate_config(raise_errors=raise_errors)
        except ConfigValidationError as error:
            # Of the SDK's own settings; ours are sound by now.
            raise Complaint(_quoted(error.errors)) from None
        known = self.config_jsonschema["properties"]
        for text in (
            *unknown_settings(self._config, known),
            *unknown_variables(os.environ, known),
            *idle_settings(self.settings),
            *early_starts(self.settings, now=self.clock.utc_now()),
        ):
            self.logger.warning("%s", text)
        return problems

    def _check_own_settings(self, *, token_needed: bool) -> None:
        """Parse the tap's own settings, once for all."""
        now = self.clock.utc_now()
        try:
            if not token_needed:
                self._config = for_catalog(self._config, now=now)
            self.settings = parse_settings(self._config, now=now, token_needed=token_needed)
        except SettingsError as error:
            raise Complaint(str(error)) from None
        # Before the SDK listens to signals, which it takes.
        self.delivery = Delivery(self, self.settings, self.clock)
        for definition in self.settings.definitions:
            for mistake in mistakes(definition):
                raise Complaint(mistake)
        self._put_into_the_sdks_form()

    def _put_into_the_sdks_form(self) -> None:
        """Write settings as the SDK will check them: it takes fewer forms than people write."""
        for name in [name for name, value in self._config.items() if value is None or value == ""]:
            del self._config[name]
        for row in TABLE:
            value = getattr(self.settings, row.name)
            plain = isinstance(value, (str, int, float)) or isinstance(row.kind, ListOf)
            if row.name in self._config and plain:
                # Numbers and lists can come as texts, ids as numbers: the SDK refuses them.
                self._config[row.name] = list(value) if isinstance(value, tuple) else value
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
            AdAccountsStream(self.delivery),
            AccountSyncStatusStream(
                self.delivery, sample=lambda: plans_for(self.streams.values())[:1]
            ),
            *(
                stream
                for definition in self.settings.definitions
                for stream in self._streams_of(definition)
            ),
            *(DimensionStream(self.delivery, name) for name in DIMENSIONS),
            *(HistoryStream(self.delivery, name) for name in WITH_HISTORY),
        ]

    def _streams_of(self, definition: ReportDefinition) -> Iterator[ByAccountStream[Any]]:
        yield InsightsStream(self.delivery, definition)
        if definition.action_rows:
            yield ActionRowsStream(self.delivery, definition)

    def _say_doubts(self, definition: ReportDefinition) -> None:
        for doubt in doubts(definition, api_version=self.settings.api_version):
            self.logger.warning("%s", doubt)
        for reason in impossible(definition):
            self.logger.warning("%s: %s", definition.name, reason)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Only raise a flag: writing here could break a message in half on a full pipe."""
        self.delivery.stop(signum)


def _given(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report's keys that say something."""
    return {key: value for key, value in report.items() if value is not None}


def _quoted(errors: Sequence[str]) -> str:
    """Return what the SDK says about its own settings, if what it quotes may be shown."""
    text = " ".join("; ".join(errors).split())
    if may_be_shown(text):
        return text[:300]
    return (
        "stream_maps, or another setting of the SDK's, has a form that is not allowed: correct it "
        "(its value is not shown)"
    )


def main() -> None:
    """Run the tap's command line."""
    with one_line_at_worst():
        TapMetaPartner.cli()


if __name__ == "__main__":
    main()
