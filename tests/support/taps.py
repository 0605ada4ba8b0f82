"""A tap as a test makes it: no Meta, no process, only its streams and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_meta_partner.singer import DimensionStream, InsightsStream
from tap_meta_partner.tap import TapMetaPartner

if TYPE_CHECKING:
    from singer_sdk.singerlib import Catalog


def tap_with(
    catalog: Catalog | None = None, state: dict[str, Any] | None = None, **config: object
) -> TapMetaPartner:
    """Return a tap with a token that nobody asks for."""
    settings = {"access_token": "T", "api_url": "http://127.0.0.1:9", **config}
    return TapMetaPartner(config=settings, catalog=catalog, state=state)


def insights(tap: TapMetaPartner, name: str = "ad_insights") -> InsightsStream:
    """Return one of its insights streams."""
    stream = tap.streams[name]
    assert isinstance(stream, InsightsStream)
    return stream


def dimension(tap: TapMetaPartner, name: str = "ads") -> DimensionStream:
    """Return one of its dimension streams."""
    stream = tap.streams[name]
    assert isinstance(stream, DimensionStream)
    return stream
