"""Splitting the entries of action lists by device, destination, reaction and so on.

An entry whose action type a breakdown does not concern stands there without that key. So do
off-Meta actions under the "type 2" breakdowns (Meta, "Insights API Breakdowns").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Key = dict[str, object]
#: Actions that happen outside Meta; the sandbox knows of the web only.
OFF_META_TYPES = frozenset(
    {
        "landing_page_view",
        "add_to_cart",
        "initiate_checkout",
        "purchase",
        "omni_purchase",
        "offsite_conversion.fb_pixel_purchase",
        "lead",
        "offsite_conversion.fb_pixel_lead",
        "contact_total",
        "contact_website",
    }
)


@dataclass(frozen=True, slots=True)
class _Split:
    """The values of a breakdown with their shares in per cent, and the types it concerns.

    `types` None = all that happen on Meta. `off_meta` says that the others are split as well.
    """

    shares: Mapping[str, int]
    types: frozenset[str] | None = None
    off_meta: bool = False

    def concerns(self, action_type: str) -> bool:
        if self.types is not None:
            return action_type in self.types
        return self.off_meta or action_type not in OFF_META_TYPES


_CLICKED = frozenset({"link_click"})
_VIEWED = frozenset({"video_view"})
_CARDS = {"120211": 50, "120212": 30, "120213": 20}
_CARD_NAMES = {"Longboard, blue": 50, "ネオプレン": 30, "Gutschein 50 €": 20}
_NAME_OF_CARD: Mapping[object, str] = dict(zip(_CARDS, _CARD_NAMES, strict=True))
_SPLITS = {
    "action_device": _Split({"desktop": 20, "iphone": 50, "android_smartphone": 30}),
    "action_destination": _Split({"https://shop.example/": 65, "Facebook Page": 35}),
    "action_target_id": _Split({"104056922963001": 65, "104056922963002": 35}),
    "action_reaction": _Split(
        {"like": 70, "love": 18, "haha": 6, "wow": 4, "sorry": 1, "anger": 1},
        frozenset({"post_reaction"}),
    ),
    "action_carousel_card_id": _Split(_CARDS, _CLICKED),
    "action_carousel_card_name": _Split(_CARD_NAMES, _CLICKED),
    "action_canvas_component_name": _Split({"Button 1": 75, "Photo 2": 25}, _CLICKED),
    "action_video_type": _Split({"auto_play": 88, "click_to_play": 12}, _VIEWED),
    "action_video_sound": _Split({"sound_off": 81, "sound_on": 19}, _VIEWED),
    "conversion_destination": _Split({"website": 90, "app": 10}, off_meta=True),
    "standard_event_content_type": _Split(
        {"product": 80, "product_group": 20},
        frozenset({"purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase"}),
    ),
}
_STARRED = frozenset({"action_type", "action_target_id", "action_destination"})
_CAROUSEL = frozenset({"action_carousel_card_id", "action_carousel_card_name"})
_PLACEMENTS = frozenset({"publisher_platform", "platform_position", "impression_device"})
_NOT_STARRED = frozenset(
    {"app_id", "skan_conversion_id", "frequency_value", "mmm", "place_page_id", "user_segment_key"}
)


def combine(names: tuple[str, ...], breakdowns: frozenset[str]) -> bool:
    """Tell whether Meta lets these action breakdowns stand together and with `breakdowns`.

    Target and destination go with each other and with every documented row marked so; a device
    with placements, a carousel's cards with people, devices and countries; the others alone.
    """
    asked = frozenset(names) - {"action_type"}
    beside = _CAROUSEL | {"action_device"}
    if breakdowns == {"impression_device"} and not asked & beside:
        return False  # a device of impressions needs its platform, or one of these, beside it
    if not asked:
        return True
    if asked <= _STARRED:
        return not any(name in _NOT_STARRED or name.endswith("_asset") for name in breakdowns)
    if asked == {"action_device"}:
        return breakdowns <= _PLACEMENTS
    if asked <= _CAROUSEL:
        return breakdowns in (
            frozenset(),
            {"impression_device"},
            {"country"},
            {"age"},
            {"gender"},
            {"age", "gender"},
        )
    return len(asked) == 1 and not breakdowns


def parts(counts: Iterable[tuple[str, int]], names: tuple[str, ...]) -> Iterator[tuple[Key, int]]:
    """Return the entries of an action list: their keys, and how much falls to each.

    Without `action_type` among the names, all types under one key are one entry: one sum, of
    types that overlap.
    """
    if "action_type" in names:
        for action_type, count in counts:
            for key, part in _split(action_type, count, names):
                yield {"action_type": action_type, **key}, part
        return
    sums: dict[tuple[tuple[str, object], ...], int] = {}
    for action_type, count in counts:
        for key, part in _split(action_type, count, names):
            if key or not names:
                entry = tuple(key.items())
                sums[entry] = sums.get(entry, 0) + part
    for entry, part in sums.items():
        yield dict(entry), part


def _split(action_type: str, count: int, names: tuple[str, ...]) -> list[tuple[Key, int]]:
    found: list[tuple[Key, int]] = [({}, count)]
    for name in sorted(names):  # so that a card's id comes before its name
        split = _SPLITS.get(name)
        if name == "action_carousel_card_name" and "action_carousel_card_id" in names:
            found = [(_named(key), part) for key, part in found]
        elif split is not None and split.concerns(action_type):
            found = [
                ({**key, name: value}, part)
                for key, whole in found
                for value, part in _shared(whole, split.shares)
            ]
    return found


def _named(key: Key) -> Key:
    """Return the card of an entry with its name beside its id."""
    if "action_carousel_card_id" not in key:
        return key
    return {**key, "action_carousel_card_name": _NAME_OF_CARD[key["action_carousel_card_id"]]}


def _shared(count: int, shares: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Return the parts of `count`, which add up exactly."""
    before = percent = 0
    for value, share in shares.items():
        percent += share
        upto = count * percent // 100
        yield value, upto - before
        before = upto
