"""What the tap rests on in the SDK, and how its streams use it."""

from __future__ import annotations

import datetime as dt
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.plugin_base import PluginBase
from singer_sdk.singerlib import Catalog

from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.dimensions.request import DimensionPlan
from tap_meta_partner.planning.fingerprints import fingerprint
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.singer import AccountSyncStatusStream, DimensionStream, InsightsStream
from tap_meta_partner.singer.input import Complaint
from tap_meta_partner.tap import TapMetaPartner

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.insights.plan import InsightsPlan


def tap_with(
    catalog: Catalog | None = None, state: dict[str, Any] | None = None, **config: object
) -> TapMetaPartner:
    settings = {"access_token": "T", "api_url": "http://127.0.0.1:9", **config}
    return TapMetaPartner(config=settings, catalog=catalog, state=state)


def insights(tap: TapMetaPartner, name: str = "ad_insights") -> InsightsStream:
    stream = tap.streams[name]
    assert isinstance(stream, InsightsStream)
    return stream


def plan_of(tap: TapMetaPartner, name: str = "ad_insights") -> InsightsPlan:
    (plan,) = tap.plans_for([insights(tap, name)])
    return plan


#: Private or final names of the SDK: (owner, name, its parameters).
_HOOKS: list[tuple[type, str, list[str]]] = [
    (Stream, "_increment_stream_state", ["self", "latest_record", "context"]),
    (Stream, "_write_starting_replication_value", ["self", "context"]),
    (Stream, "_write_schema_message", ["self"]),
    (Stream, "get_record_counter", ["self", "endpoint", "log_interval"]),
    (Stream, "log_sync_costs", ["self"]),
    (Stream, "get_batch_config", ["self", "config"]),
    (Stream, "apply_catalog", ["self", "catalog"]),
    (Tap, "_handle_termination", ["self", "signum", "frame"]),
    (Tap, "load_state", ["self", "state"]),
    (PluginBase, "_validate_config", ["self", "raise_errors"]),
]


@pytest.mark.parametrize(("owner", "name", "parameters"), _HOOKS, ids=str)
def test_sdk__still_has_every_hook_this_tap_overrides(
    owner: type, name: str, parameters: list[str]
) -> None:
    """A hook that the SDK renames or changes fails here, not silently at night."""
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Stream._sync_records, "_increment_stream_state"),
        (Stream._sync_records, "_write_starting_replication_value"),
        (Stream._sync_records, "get_records"),
        (Stream._sync_records, "STATE_MSG_FREQUENCY"),
        (Stream.sync, "get_batch_config"),
        (Stream._generate_record_messages, "TYPE_CONFORMANCE_LEVEL"),
        (Stream._check_max_record_limit, "ABORT_AT_RECORD_COUNT"),
        (Tap.sync_all, "log_sync_costs"),
        (PluginBase._setup_signal_handlers, "_handle_termination"),
        (PluginBase.__init__, "_validate_config"),
        (Tap.__init__, "load_state"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__qualname__,
)
def test_sdk__still_calls_every_hook(place: Callable[..., Any], name: str) -> None:
    """A hook that is still there but no longer used would be an override without effect."""
    assert name in inspect.getsource(place)


def test_sdk__costs_are_logged_after_all_streams() -> None:
    """`log_sync_costs` is where the summary and the exit code come from: it must run last."""
    source = inspect.getsource(Tap.sync_all)

    assert source.index("log_sync_costs") > source.index("stream.sync()")


def test_insights__types_are_not_conformed_again() -> None:
    """Values leave `rows.py` typed, so the SDK's own conversion is off."""
    assert InsightsStream.TYPE_CONFORMANCE_LEVEL is TypeConformanceLevel.NONE


def test_catalog__cannot_flip_method_or_keys() -> None:
    """A catalog that says FULL_TABLE with other keys changes neither."""
    catalog = tap_with().catalog_dict
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
        entry["key_properties"] = ["ad_name"]
        entry["replication_key"] = None

    stream = insights(tap_with(catalog=Catalog.from_dict(catalog)))

    assert stream.replication_method == "INCREMENTAL"
    assert stream.replication_key == "date_start"
    assert list(stream.primary_keys) == ["account_id", "date_start", "ad_id"]


def schema_message(tap: TapMetaPartner, stream: str = "ad_insights") -> dict[str, Any]:
    """Return what SCHEMA would say."""
    (message,) = tap.streams[stream]._generate_schema_messages()
    return message.to_dict()


def changed(change: Callable[[dict[str, Any]], object], stream: str) -> Catalog:
    """Return the catalog with one stream's entry changed."""
    catalog = tap_with().catalog_dict
    (entry,) = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream]
    # Dimensions are off until selected.
    entry["selected"] = True
    for item in entry["metadata"]:
        if not item["breadcrumb"]:
            item["metadata"]["selected"] = True
    change(entry)
    return Catalog.from_dict(catalog)


@pytest.mark.parametrize(
    ("stream", "keys"),
    [
        ("ad_insights", ["account_id", "date_start", "ad_id"]),
        ("ad_accounts", ["account_id"]),
        ("account_sync_status", ["account_id", "stream", "run_started_at"]),
        ("ads", ["id"]),
        ("adcreatives", ["id"]),
    ],
)
@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.update(key_properties=["spend"], stream="other"),
        lambda entry: entry.update(key_properties=[], metadata=[]),
        lambda entry: entry["schema"]["properties"].update(account_id={"type": "integer"}),
        lambda entry: entry["schema"]["properties"].clear(),
        lambda entry: entry.update(schema={}),
        lambda entry: [
            item["metadata"].update(selected=False, inclusion="available")
            for item in entry["metadata"]
            if item["breadcrumb"]
        ],
    ],
    ids=["keys", "none", "types", "no properties", "no schema", "deselected"],
)
def test_catalog__schema_message_keeps_name_keys_and_their_types(
    stream: str, keys: list[str], change: Callable[[dict[str, Any]], object]
) -> None:
    """SCHEMA says the tap's own keys and declares each: under others a target would lose rows."""
    message = schema_message(tap_with(catalog=changed(change, stream)), stream)
    own = tap_with().streams[stream].schema["properties"]

    assert message["stream"] == stream
    assert list(message["key_properties"]) == keys
    for name in keys:
        assert message["schema"]["properties"][name] == own[name]


def test_catalog__records_hold_what_the_schema_declares() -> None:
    """A column that a catalog leaves out or deselects is in no record of any stream."""
    catalog = changed(
        lambda entry: entry["schema"]["properties"].pop("reason"), "account_sync_status"
    )
    catalog["account_sync_status"].metadata["properties", "code"].selected = False
    catalog["account_sync_status"].metadata.root.selected = True
    tap = tap_with(catalog=catalog)
    stream = tap.streams["account_sync_status"]
    assert isinstance(stream, AccountSyncStatusStream)

    record = stream.projected({"account_id": "1", "code": 4, "rows": 5, "reason": "x"})

    assert record == {"account_id": "1", "rows": 5}
    assert "code" not in schema_message(tap, "account_sync_status")["schema"]["properties"]


def test_catalog__deselected_columns_are_not_asked() -> None:
    """A column that is not selected is neither a column of the plan nor asked of Meta."""
    catalog = Catalog.from_dict(tap_with().catalog_dict)
    metadata = catalog["ad_insights"].metadata
    metadata.root.selected = True
    metadata[("properties", "spend")].selected = False
    metadata[("properties", "actions")].selected = False

    columns = {column.name for column in plan_of(tap_with(catalog=catalog)).columns}

    assert not columns & {"spend", "actions"}
    assert {"account_id", "date_start", "ad_id", "post_engagement"} <= columns


def test_catalog__keys_stay_even_when_deselected() -> None:
    """A row without its key is no row: keys are always part of the plan."""
    catalog = Catalog.from_dict(tap_with().catalog_dict)
    metadata = catalog["ad_insights"].metadata
    metadata.root.selected = True
    metadata[("properties", "ad_id")].selected = False

    columns = {column.name for column in plan_of(tap_with(catalog=catalog)).columns}

    assert "ad_id" in columns


def test_bookmarks__are_read_from_the_sdks_own_shape() -> None:
    """State written by the SDK's rules (no keys of ours) is a bookmark too."""
    partition = {
        "context": {"account_id": "1"},
        "replication_key": "date_start",
        "replication_key_value": "2026-01-05",
    }
    tap = tap_with(state={"bookmarks": {"ad_insights": {"partitions": [partition]}}})

    assert str(insights(tap).bookmarks()["1"].day) == "2026-01-05"


def one_partition(value: object, **more: object) -> dict[str, Any]:
    """Return a state with one bookmark of an account with that id."""
    partition = {"context": {"account_id": value}, **more}
    return {"bookmarks": {"ad_insights": {"partitions": [partition]}}}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"bookmarks": []}, "not an object with bookmarks"),
        ({"bookmarks": {"ad_insights": 3}}, "the bookmark of ad_insights"),
        ({"bookmarks": {"ad_insights": {"partitions": {}}}}, "are not a list"),
        ({"bookmarks": {"ad_insights": {"partitions": [{"context": 1}]}}}, "no account_id"),
        ({"bookmarks": {"a\nb": 3}}, r"the bookmark of a\\nb"),
        ({"type": "STATE", "value": {"bookmarks": {}}}, "not an object with bookmarks"),
        ({"bookmarks": {}, "half": "\ud800"}, "characters that cannot be written"),
        (
            {"bookmarks": {"ad_insights": {"progress_markers": 3}}},
            "progress_markers of ad_insights",
        ),
        (one_partition("1", progress_markers=3), "progress_markers of ad_insights"),
        (one_partition("act_1"), "act_1, in a partition of ad_insights, is no ad account's id"),
        (one_partition("日本"), "is no ad account's id"),
        (one_partition("1\n2"), "is no ad account's id"),
        (one_partition(None), "None, in a partition"),
        (one_partition(["1"]), "is no ad account's id"),
        (one_partition(1.5), "1.5, in a partition"),
        (one_partition(value=True), "True, in a partition"),
    ],
)
def test_state__that_makes_no_sense_is_refused_in_one_line(
    state: dict[str, Any], words: str
) -> None:
    """A malformed state is named, not met as a traceback."""
    with pytest.raises(Exception, match=words) as caught:
        tap_with(state=state)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("catalog", "words"),
    [
        ([], "not an object with a list of streams"),
        ({"streams": None}, "not an object with a list of streams"),
        ({"streams": [None]}, "a stream has no tap_stream_id"),
        ({"streams": [{"stream": "ad_insights"}]}, "a stream has no tap_stream_id"),
        ({"streams": [{"tap_stream_id": "x", "stream": 3}]}, "the name of x"),
        ({"streams": [{"tap_stream_id": "x", "schema": None}]}, "the schema of x"),
        ({"streams": [{"tap_stream_id": "x", "schema": {"properties": []}}]}, "the schema of x"),
        ({"streams": [{"tap_stream_id": "x", "schema": {"type": 3}}]}, "the schema of x"),
        ({"streams": [{"tap_stream_id": "x", "schema": {"type": [3]}}]}, "the schema of x"),
        ({"streams": [{"tap_stream_id": "x", "schema": {"items": True}}]}, "the schema of x"),
        (
            {"streams": [{"tap_stream_id": "x", "schema": {"properties": {"a": "string"}}}]},
            "the schema of x",
        ),
        ({"streams": [{"tap_stream_id": "x", "metadata": None}]}, "the metadata of x"),
        ({"streams": [{"tap_stream_id": "x", "metadata": [{}]}]}, "the metadata of x"),
        ({"streams": [], "half": "\ud800"}, "characters that cannot be written"),
    ],
)
def test_catalog__that_makes_no_sense_is_refused_in_one_line(
    catalog: dict[str, Any], words: str
) -> None:
    """A malformed catalog is named, not met as a traceback."""
    with pytest.raises(Complaint, match=words) as caught:
        tap_with(catalog=catalog)

    assert "\n" not in str(caught.value)


def test_status__stream_has_one_row_a_run() -> None:
    """Account, stream and the run's start identify a result."""
    stream = tap_with().streams["account_sync_status"]

    assert isinstance(stream, AccountSyncStatusStream)
    assert list(stream.primary_keys) == ["account_id", "stream", "run_started_at"]


def test_action_rows__are_part_of_the_plan_only_where_they_are_selected() -> None:
    """What state remembers of a report says whether its action rows were delivered, too."""
    tap = tap_with(reports=[{"name": "r", "fields": ["actions"], "action_rows": True}])
    report, rows = tap.streams["r"], tap.streams["r_actions"]

    (both,) = tap.plans_for([report, rows])
    (alone,) = tap.plans_for([report])
    (without,) = tap.plans_for([rows])

    assert both.definition.action_rows
    assert without.definition.action_rows
    assert not alone.definition.action_rows
    assert fingerprint(alone.definition) != fingerprint(both.definition)


# Dimensions.


def dimension(tap: TapMetaPartner, name: str = "ads") -> DimensionStream:
    stream = tap.streams[name]
    assert isinstance(stream, DimensionStream)
    return stream


def test_dimension__columns_are_those_selected() -> None:
    """A column that is not selected is not in the plan, and so not asked of Meta; the key is."""
    catalog = Catalog.from_dict(tap_with().catalog_dict)
    metadata = catalog["ads"].metadata
    metadata.root.selected = True
    for name in ("id", "creative_id", "tracking_specs"):
        metadata["properties", name].selected = False
    tap = tap_with(catalog=catalog)

    (plan,) = tap.plans_for([dimension(tap)])

    assert isinstance(plan, DimensionPlan)
    columns = [column.name for column in plan.columns]
    assert columns[0] == "id"
    assert not {"creative_id", "tracking_specs"} & set(columns)
    assert {"name", "account_id", "read_at"} <= set(columns)
    assert plan.name == "ads"


def test_dimension__catalog_cannot_flip_method_or_keys() -> None:
    """Creatives have no time of a change: they are FULL_TABLE; the others go by `updated_time`."""
    catalog = tap_with().catalog_dict
    for entry in catalog["streams"]:
        entry["replication_method"] = "INCREMENTAL"
        entry["key_properties"] = ["name"]
        entry["replication_key"] = "created_time"
    tap = tap_with(catalog=Catalog.from_dict(catalog))

    found = {
        name: (stream.replication_method, stream.replication_key, list(stream.primary_keys))
        for name in ("campaigns", "adsets", "ads", "adcreatives")
        for stream in (dimension(tap, name),)
    }

    by_time = ("INCREMENTAL", "updated_time", ["id"])
    assert found == {
        "campaigns": by_time,
        "adsets": by_time,
        "ads": by_time,
        "adcreatives": ("FULL_TABLE", None, ["id"]),
    }


def test_dimension__bookmarks_come_from_the_state_and_go_back_there() -> None:
    """An account's partition is read, changed in place and found again; others are left alone."""
    old = {"context": {"account_id": "1"}, "replication_key_value": "2026-11-20T03:00:00+00:00"}
    other = {"context": {"account_id": "2"}, "full_at": "2026-11-19T03:00:00+00:00"}
    tap = tap_with(state={"bookmarks": {"ads": {"partitions": [old, dict(other)]}}})
    noon = dt.datetime(2026, 11, 24, 12, tzinfo=dt.timezone.utc)

    known = dimension(tap).bookmarks()["1"]
    dimension(tap).keep("1", DimensionBookmark(updated_time=noon, full_at=noon, read_at=noon))
    dimension(tap).keep("3", DimensionBookmark(full_at=noon, read_at=noon))

    assert known.updated_time == dt.datetime(2026, 11, 20, 3, tzinfo=dt.timezone.utc)
    assert tap.state["bookmarks"]["ads"]["partitions"] == [
        {
            "context": {"account_id": "1"},
            "replication_key": "updated_time",
            "replication_key_value": "2026-11-24T12:00:00+00:00",
            "full_at": "2026-11-24T12:00:00+00:00",
        },
        other,
        {"context": {"account_id": "3"}, "full_at": "2026-11-24T12:00:00+00:00"},
    ]


def test_dimension__a_state_that_is_no_time_is_refused() -> None:
    """A bookmark that cannot be read is named with stream and account."""
    partition = {"context": {"account_id": "1"}, "full_at": "yesterday"}
    tap = tap_with(state={"bookmarks": {"ads": {"partitions": [partition]}}})

    with pytest.raises(SettingsError, match=r"ads, account 1, .*full_at is 'yesterday'"):
        dimension(tap).bookmarks()
