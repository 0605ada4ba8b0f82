"""How long versions of the Marketing API live (Meta, "Marketing API version history").

Its calendar is another than that of the rest of the Graph API, and the one that counts here.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: When the table below was last held against Meta's.
TABLE_AS_OF = dt.date(2026, 11, 24)


#: Version -> its last day; None where Meta has announced none yet.
ENDS: Mapping[str, dt.date | None] = {
    "v19.0": dt.date(2025, 2, 4),
    "v20.0": dt.date(2025, 5, 6),
    "v21.0": dt.date(2025, 9, 9),
    "v22.0": dt.date(2026, 2, 19),
    "v23.0": dt.date(2026, 6, 9),
    "v24.0": dt.date(2026, 11, 10),
    "v25.0": dt.date(2027, 2, 23),
    "v26.0": None,
    "v27.0": None,
}


#: Those without an announced end, and when they came; the ones before lived 370 to 398 days.
_RELEASED: Mapping[str, dt.date] = {
    "v26.0": dt.date(2026, 7, 29),
    "v27.0": dt.date(2026, 11, 4),
}


_VERSION = re.compile(r"v\d{1,3}\.\d")


_USUAL_LIFE = dt.timedelta(days=370)


#: Before a known end it is said for so many days.
VERSION_SOON_DAYS = 60


NEWEST = max(ENDS, key=lambda version: float(version[1:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLife:
    """What is known of a version's end.

    Attributes:
        ends: its last day, where Meta has announced it.
        words: the same for a person, with the date of what is known.
    """

    ends: dt.date | None
    words: str


def life_of(version: str) -> VersionLife:
    """Look a version up."""
    as_of = f"as of {TABLE_AS_OF}"
    if version not in ENDS:
        return VersionLife(ends=None, words=f"its end is not known here ({as_of})")
    ends = ENDS[version]
    if ends is not None:
        return VersionLife(ends=ends, words=f"until {ends} ({as_of})")
    usual = _RELEASED[version] + _USUAL_LIFE
    words = f"no end announced {as_of}; by the usual life of a version about {usual:%B %Y}"
    return VersionLife(ends=None, words=words)


def higher_than(version: str, said: str = "") -> str | None:
    """Return the version to go up to from one that Meta refuses; None where none is known.

    Args:
        version: the refused one.
        said: Meta's message; the newest version that it names comes first ("Please update to the
            latest version: v27.0").
    """
    named = [each for each in _VERSION.findall(said) if number_of(each) > number_of(version)]
    if named:
        return str(max(named, key=number_of))
    known = sorted(ENDS, key=number_of)
    return next((each for each in known if number_of(each) > number_of(version)), None)


def number_of(version: str) -> float:
    """Return a version as a number, for comparison."""
    return float(version.lstrip("v"))
