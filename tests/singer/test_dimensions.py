"""Dimension streams: their columns, keys and bookmarks."""

from __future__ import annotations

import datetime as dt

import pytest
from singer_sdk.singerlib import Catalog

from tap_meta_partner.dimensions.bookmarks import DimensionBookmark
from tap_meta_partner.dimensions.request import DimensionPlan
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.singer import plans_for
from tests.support.taps import dimension, tap_with


def test_dimension__columns_are_those_selected() -> None:
    """A column that is not selected is not in the plan, and so not asked of Meta; the key is."""
    catalog = Catalog.from_dict(tap_with().catalog_dict)
    metadata = catalog["ads"].metadata
    metadata.root.selected = True
    for name in ("id", "creative_id", "tracking_specs"):
        metadata["properties", name].selected = False
    tap = tap_with(catalog=catalog)

    (plan,) = plans_for([dimension(tap)])

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
