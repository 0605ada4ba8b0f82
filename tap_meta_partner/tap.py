"""The Singer tap: its settings, its streams, and how a run begins and ends."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar, NoReturn

import click
from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities

from tap_meta_partner import action_rows
from tap_meta_partner.breakdowns import impossible
from tap_meta_partner.dimensions import DIMENSIONS
from tap_meta_partner.errors import MetaError
from tap_meta_partner.fields import DEFAULT_FIELDS, collisions, doubts, sums_of_rates
from tap_meta_partner.run import Clock, Interrupted, SyncRun
from tap_meta_partner.settings import (
    ACCOUNT_STATUSES,
    DEFAULT_API_URL,
    DEFAULT_API_VERSION,
    DEFAULT_CONCURRENCY,
    DEFAULT_LOOKBACK_DAYS,
    DEFAULT_TIMEOUT_SECONDS,
    DEFAULT_USER_AGENT,
    LEVELS,
    REPORT_MODES,
    SettingsError,
    parse_settings,
    unknown_settings,
)
from tap_meta_partner.streams import (
    AccountSyncStatusStream,
    ActionRowsStream,
    AdAccountsStream,
    DimensionStream,
    InsightsStream,
    SyncedStream,
    plans_of,
)
from tap_meta_partner.windows import DATE_PRESETS
from tap_meta_partner.writing import PageWriter, TargetGone

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import FrameType

    from singer_sdk.singerlib import Message
    from singer_sdk.streams import Stream

    from tap_meta_partner.settings import ReportDefinition, Settings
    from tap_meta_partner.stream_plan import DimensionPlan, StreamPlan
    from tap_meta_partner.streams import PartnerStream

_SIGNAL_EXIT = 128


class Complaint(click.ClickException):
    """A mistake of the user's or a refusal of Meta's: one line in the log, exit code 1."""

    @override
    def show(self, file: Any = None) -> None:
        TapMetaPartner.logger.error("%s", self.message)


_strings = th.ArrayType(th.StringType)

_REPORT = th.ObjectType(
    th.Property("name", th.StringType, required=True, description="Stream and table name."),
    th.Property("level", th.StringType, allowed_values=list(LEVELS), description="Default ad."),
    th.Property("fields", _strings, description="Default: the setting `fields`."),
    th.Property("breakdowns", _strings, description="Each becomes part of the key."),
    th.Property("action_breakdowns", _strings, description="Stay inside the action lists."),
    th.Property("action_attribution_windows", _strings, description="Extra windows."),
    th.Property("filtering", th.ArrayType(th.ObjectType()), description="As Meta takes it."),
    th.Property("lookback_days", th.IntegerType, description="Default: the setting."),
    th.Property("start_date", th.StringType, description="Default: the setting."),
    th.Property(
        "time_increment",
        th.AnyType,
        description="Days that a row covers: 1 to 90, monthly, or all_days. Default 1.",
    ),
    th.Property(
        "date_preset",
        th.StringType,
        allowed_values=list(DATE_PRESETS),
        description="Read this window in full on every run.",
    ),
    th.Property(
        "action_rows",
        th.BooleanType,
        description="Also write the action lists row by row, as the stream {name}_actions.",
    ),
    additional_properties=False,
)


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

    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property(
            "access_token",
            th.StringType,
            secret=True,
            title="Access token",
            description="System User token (or a long-lived user token) with ads_read. Required, "
            "unless access_tokens is set.",
        ),
        th.Property(
            "app_id",
            th.StringType,
            title="App ID",
            description="The app the token was made for; with app_secret it allows token checks.",
        ),
        th.Property(
            "app_secret",
            th.StringType,
            secret=True,
            title="App secret",
            description="When set, every call carries an appsecret_proof.",
        ),
        th.Property(
            "business_id",
            th.StringType,
            title="Business Manager ID",
            description="Ours: names the accounts shared with us that nobody assigned to the "
            "system user yet. Needs business_management.",
        ),
        th.Property(
            "account_ids",
            _strings,
            title="Ad accounts",
            description="Only these, with or without act_. Empty: all the token can read.",
        ),
        th.Property(
            "exclude_account_ids",
            _strings,
            title="Excluded ad accounts",
            description="Never these.",
        ),
        th.Property(
            "account_statuses",
            th.ArrayType(th.StringType(allowed_values=list(ACCOUNT_STATUSES.values()))),
            title="Account statuses",
            description="Only accounts with one of these statuses. Empty: all; disabled and closed "
            "accounts still have their history.",
        ),
        th.Property(
            "start_date",
            th.StringType,
            title="Start date",
            description="First day wanted, where an account has no bookmark yet; a date, or a "
            "date-time whose date counts. Default: 30 days ago. At most 37 months back. Moved "
            "earlier later on, only the missing days are fetched.",
        ),
        th.Property(
            "end_date",
            th.StringType,
            title="End date",
            description="Last day wanted, included. Default: today in each account's time zone.",
        ),
        th.Property(
            "date_preset",
            th.StringType,
            allowed_values=list(DATE_PRESETS),
            title="Date preset",
            description="Pull this window in full on every run, without bookmarks; not together "
            "with start_date or end_date.",
        ),
        th.Property(
            "lookback_days",
            th.IntegerType,
            default=DEFAULT_LOOKBACK_DAYS,
            title="Lookback days",
            description="Days before the bookmark that are read again: Meta corrects its numbers "
            "for 28 days.",
        ),
        th.Property(
            "fields",
            _strings,
            title="Fields",
            description="Columns of the four insights streams; one action type is written "
            "actions:TYPE. Default: " + ", ".join(DEFAULT_FIELDS) + ".",
        ),
        th.Property(
            "action_attribution_windows",
            _strings,
            title="Attribution windows",
            description="Extra windows inside action values, for example 1d_click, 7d_click, "
            "1d_view. 7d_view and 28d_view are refused: Meta returns nothing for them any more.",
        ),
        th.Property(
            "reports",
            th.ArrayType(_REPORT),
            title="Reports",
            description="Further insights streams, each with its own level, fields and breakdowns.",
        ),
        th.Property(
            "effective_status",
            _strings,
            title="Statuses of dimensions",
            description="Only campaigns, ad sets and ads with one of these statuses, for example "
            "ACTIVE, PAUSED, ARCHIVED. Empty: all, deleted ones too as far as Meta lists them. "
            "Insights are not narrowed by it.",
        ),
        th.Property(
            "report_mode",
            th.StringType,
            allowed_values=list(REPORT_MODES),
            default="auto",
            title="Report mode",
            description="auto asks directly and falls back to report runs; sync and async force "
            "one.",
        ),
        th.Property(
            "max_concurrency",
            th.IntegerType,
            default=DEFAULT_CONCURRENCY,
            title="Requests at once",
            description="1 to 64.",
        ),
        th.Property(
            "shard_index",
            th.IntegerType,
            default=0,
            title="Shard",
            description="This process takes the accounts of this shard, counted from 0.",
        ),
        th.Property(
            "shard_count",
            th.IntegerType,
            default=1,
            title="Shards",
            description="How many processes share the accounts.",
        ),
        th.Property(
            "fail_on_skipped_accounts",
            th.BooleanType,
            default=False,
            title="Fail on skipped accounts",
            description="End with exit code 1 when an account could not be read.",
        ),
        th.Property(
            "backfill_on_change",
            th.BooleanType,
            default=False,
            title="Backfill on change",
            description="Read everything again when fields are added.",
        ),
        th.Property(
            "max_run_minutes",
            th.NumberType,
            title="Longest run",
            description="Minutes after which no new window is begun; the rest comes next time.",
        ),
        th.Property(
            "access_tokens",
            th.ArrayType(
                th.ObjectType(
                    th.Property("access_token", th.StringType, secret=True, required=True),
                    th.Property("account_ids", _strings),
                    th.Property("label", th.StringType),
                )
            ),
            secret=True,
            title="Access tokens",
            description="One token per client (the OAuth model): a list of access_token, and if "
            "wanted label (for the log) and account_ids (only these with this token). An account "
            "that several tokens can read is read once.",
        ),
        th.Property(
            "user_agent",
            th.StringType,
            default=DEFAULT_USER_AGENT,
            title="User agent",
            description="Sent with every request.",
        ),
        th.Property(
            "api_version",
            th.StringType,
            default=DEFAULT_API_VERSION,
            title="API version",
            description="The newest one whose fields are known to this version of the tap.",
        ),
        th.Property(
            "api_url",
            th.StringType,
            default=DEFAULT_API_URL,
            title="API address",
            description="Change it to use the sandbox.",
        ),
        th.Property(
            "request_timeout",
            th.NumberType,
            default=DEFAULT_TIMEOUT_SECONDS,
            title="Request time-out",
            description="Seconds to wait for a whole answer.",
        ),
    ).to_dict()

    settings: Settings

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        catalog: Any = None,  # noqa: ANN401  (the SDK takes several kinds)
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        trouble = _trouble_with_catalog(catalog) if isinstance(catalog, (dict, list)) else None
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
                _read_object("config", path.read_text)
        return super().cb_config(ctx, param, value)

    @classmethod
    @override
    def invoke(
        cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **kwargs: Any
    ) -> None:
        super().invoke(
            state=state and io.StringIO(_read_object("state", state.read)),
            catalog=catalog and io.StringIO(_read_object("catalog", catalog.read)),
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
            for mistake in _mistakes(definition):
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
        trouble = _trouble_with_state(state)
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

    def plans_for(self, streams: Iterable[Stream]) -> list[StreamPlan | DimensionPlan]:
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
        if not self.run.results and not self.run.saw_none:
            return
        first, *others = self.run.summary()
        self.logger.info("%s", first)
        for line in others:
            self.logger.warning("%s", line)
        if self.run.failed():
            raise SystemExit(1)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Only raise a flag: writing here could break a message in half on a full pipe."""
        if self._run is not None:
            self._run.stop()
        elif self._signal is not None:
            # Asked twice before the run began: there is no state to save yet.
            raise SystemExit(_SIGNAL_EXIT + signum)
        self._signal = signum

    def _end_after_signal(self) -> NoReturn:
        with contextlib.suppress(TargetGone):
            self.write_state()
        self.logger.warning("stopped by a signal; the next run goes on from the bookmarks")
        raise SystemExit(_SIGNAL_EXIT + (self._signal or 0))


def _mistakes(definition: ReportDefinition) -> Iterator[str]:
    """Say what of a report cannot be: its columns, that is."""
    yield from collisions(definition)
    yield from sums_of_rates(definition)
    complaint = action_rows.complaint(definition) if definition.action_rows else None
    if complaint:
        yield f"{definition.name}: {complaint}"


def _given(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report's keys that say something."""
    return {key: value for key, value in report.items() if value is not None}


def _read_object(option: str, read: Callable[[], str]) -> str:
    """Read a file and refuse in one line what holds no JSON object; the SDK would not."""
    try:
        text = read()
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Complaint(f"the file given as --{option} is not JSON ({error}): correct it") from None
    if not isinstance(content, dict) and (content is not None or option == "config"):
        raise Complaint(f"the file given as --{option} does not hold a JSON object: correct it")
    return text


def _shown(name: object) -> str:
    """Write a name that came from outside on one line."""
    return ascii(name).strip("'")[:80]


def _is_writable(value: object) -> bool:
    """Tell whether what was read can be written again; half an emoji, for example, cannot."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except ValueError:
        return False
    return True


def _trouble_with_state(state: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the shape of a state, or None."""
    bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
    # A whole STATE message, whose value is the state, must not make everything begin anew.
    if not isinstance(bookmarks, dict) or (state and "bookmarks" not in state):
        return "it is not an object with bookmarks"
    if not _is_writable(state):
        return "it holds characters that cannot be written"
    for stream, value in bookmarks.items():
        trouble = _trouble_with_bookmark(_shown(stream), value)
        if trouble:
            return trouble
    return None


def _trouble_with_bookmark(stream: str, value: Any) -> str | None:  # noqa: ANN401  (a JSON value)
    if not isinstance(value, dict):
        return f"the bookmark of {stream} is not an object"
    partitions = value.get("partitions", [])
    if not isinstance(partitions, list):
        return f"the partitions of {stream} are not a list"
    for partition in partitions:
        context = partition.get("context") if isinstance(partition, dict) else None
        if not isinstance(context, dict) or "account_id" not in context:
            return f"a partition of {stream} has no account_id in its context"
        account_id = context["account_id"]
        is_id = isinstance(account_id, (str, int)) and not isinstance(account_id, bool)
        if not is_id or not re.fullmatch(r"\d+", str(account_id), re.ASCII):
            return f"{_shown(account_id)}, in a partition of {stream}, is no ad account's id"
    if not all(isinstance(item.get(_MARKERS, {}), dict) for item in (value, *partitions)):
        return f"the {_MARKERS} of {stream} are not an object"
    return None


#: The SDK's own, of a run that was broken off; it clears them.
_MARKERS = "progress_markers"


def _trouble_with_catalog(catalog: Any) -> str | None:  # noqa: ANN401  (a JSON value)
    """Say what is wrong with the shape of a catalog, or None."""
    entries = catalog.get("streams", []) if isinstance(catalog, dict) else None
    if not isinstance(entries, list):
        return "it is not an object with a list of streams"
    if not _is_writable(catalog):
        return "it holds characters that cannot be written"
    for entry in entries:
        trouble = _trouble_with_entry(entry)
        if trouble:
            return trouble
    return None


def _trouble_with_entry(entry: Any) -> str | None:  # noqa: ANN401  (a JSON value)
    if not isinstance(entry, dict) or not isinstance(entry.get("tap_stream_id"), str):
        return "a stream has no tap_stream_id"
    stream = _shown(entry["tap_stream_id"])
    if not isinstance(entry.get("stream"), (str, type(None))):
        return f"the name of {stream} is not a string"
    if not _is_schema(entry.get("schema", {})):
        return f"the schema of {stream} is not a JSON Schema"
    if not _is_metadata(entry.get("metadata", [])):
        return f"the metadata of {stream} are not a list of breadcrumb and metadata"
    return None


def _is_schema(value: Any) -> bool:  # noqa: ANN401  (a JSON value)
    """Tell whether the SDK can walk through a schema."""
    if not isinstance(value, dict):
        return False
    types = value.get("type", "object")
    properties = value.get("properties", {})
    if not isinstance(properties, dict) or not all(map(_is_schema, properties.values())):
        return False
    if "items" in value and not _is_schema(value["items"]):
        return False
    return isinstance(types, str) or (isinstance(types, list) and all(map(_is_text, types)))


def _is_metadata(value: Any) -> bool:  # noqa: ANN401  (a JSON value)
    return isinstance(value, list) and all(
        isinstance(item, dict)
        and isinstance(item.get("metadata"), dict)
        and isinstance(item.get("breadcrumb"), list)
        and all(map(_is_text, item["breadcrumb"]))
        for item in value
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def main() -> None:
    """Run the tap's command line."""
    TapMetaPartner.cli()


if __name__ == "__main__":
    main()
