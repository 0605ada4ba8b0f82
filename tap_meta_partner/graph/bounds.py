"""How much of anything is taken in; more than that fails the one account that met it.

Real answers stay far below: the longest rows that people have published are of 8 kB and 212 values,
and a page has 500 rows at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.graph.errors import (
    Fault,
    KeptFailing,
    RequestRefused,
    Retriable,
    Rule,
    TooMuchData,
)
from tap_meta_partner.graph.rules import LATER, LESS

if TYPE_CHECKING:
    from tap_meta_partner.graph.errors import MetaError

#: Of an answer, decompressed.
MOST_BYTES = 16 << 20


#: Of lists, objects and what they hold, in an answer: as Python has them, small ones take the most.
MOST_VALUES = 1_000_000


#: Of a list, at 50 to 500 rows each.
MOST_PAGES = 20_000


#: One after the other. Meta's own filters make some.
MOST_EMPTY_PAGES = 500


#: Meta's cursors are of some hundred characters.
LONGEST_CURSOR = 4096


TOO_LONG = Rule(
    family=TooMuchData,
    what=f"an answer of more than {MOST_BYTES >> 20} MiB is not read",
    advice=LESS,
)


TOO_MANY_VALUES = Rule(
    family=TooMuchData, what=f"an answer of more than {MOST_VALUES} values is not read", advice=LESS
)


ODDLY_COMPRESSED = Rule(
    family=Retriable,
    what="an answer is compressed in a way that the tap did not ask for",
    advice="Look for a proxy that changes answers on their way.",
    tries=2,
)


ENDLESS = Rule(
    family=KeptFailing,
    what=f"a list has more than {MOST_PAGES} pages, or {MOST_EMPTY_PAGES} empty ones in a row",
    advice=LATER,
)


#: Read anew as after a lost place, but a report that leads in a circle is not made again.
CIRCLE = Rule(
    family=KeptFailing, what="the pages of a list lead back to earlier ones", advice=LATER
)


ODD_PATH = Rule(
    family=RequestRefused,
    what="an address that the tap would not have made is not asked",
    advice="An id of Meta's is none: please report it.",
    about_object=True,
)


def beyond(rule: Rule, message: str) -> MetaError:
    """Make the error of what is beyond a bound."""
    return rule.family(Fault(message=message), rule)
