"""What the tap rests on in the SDK, and how its streams use it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.plugin_base import PluginBase
from singer_sdk.singerlib import Catalog

from tap_meta_partner.singer import AccountSyncStatusStream
from tests.support.taps import insights, tap_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.tap import TapMetaPartner


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
