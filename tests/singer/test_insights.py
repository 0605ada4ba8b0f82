"""Insights streams: which columns are asked, and that values stay as they were read."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import Catalog

from tap_meta_partner.insights.plan import InsightsPlan
from tap_meta_partner.planning.bookmarks import Bookmark
from tap_meta_partner.singer import InsightsStream, plans_for
from tests.support.taps import insights, tap_with

if TYPE_CHECKING:
    from tap_meta_partner.tap import TapMetaPartner


def plan_of(tap: TapMetaPartner, name: str = "ad_insights") -> InsightsPlan:
    (plan,) = plans_for([insights(tap, name)])
    assert isinstance(plan, InsightsPlan)
    return plan


def test_insights__types_are_not_conformed_again() -> None:
    """Values leave `rows.py` typed, so the SDK's own conversion is off."""
    assert InsightsStream.TYPE_CONFORMANCE_LEVEL is TypeConformanceLevel.NONE


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


def test_trouble__of_an_account_without_a_bookmark_is_kept_and_forgotten() -> None:
    """An account that only ever failed has a partition with that alone, until it does not."""
    stream = insights(tap_with())

    stream.keep("7", Bookmark(trouble=dt.datetime(2026, 11, 25, 3, 0, tzinfo=dt.timezone.utc)))
    kept = dict(stream.partition_of("7"))
    stream.keep("7", Bookmark())

    assert kept == {"context": {"account_id": "7"}, "trouble": "2026-11-25T03:00:00+00:00"}
    assert stream.partition_of("7") == {"context": {"account_id": "7"}}


def test_bookmark__of_nothing_is_no_partition() -> None:
    """An account of which nothing is known needs no place in the state."""
    stream = insights(tap_with())

    stream.keep("7", Bookmark())

    assert stream.partition_count == 0
