"""A local Graph API with made-up clients, to build and test a pipeline without a Meta app.

It speaks HTTP only. `World` says what is true, so that what arrived can be held against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.graph.dials import Dials
from tap_meta_partner.sandbox.graph.tokens import TokenInfo
from tap_meta_partner.sandbox.graph.usage import Budget
from tap_meta_partner.sandbox.protocol.calls import ReceivedCall
from tap_meta_partner.sandbox.protocol.faults import Fault
from tap_meta_partner.sandbox.world.truth import PeriodTotals, Totals
from tap_meta_partner.sandbox.world.world import World

if TYPE_CHECKING:
    from tap_meta_partner.sandbox.http.server import Sandbox

__all__ = [
    "Budget",
    "Dials",
    "Fault",
    "PeriodTotals",
    "ReceivedCall",
    "Sandbox",
    "TokenInfo",
    "Totals",
    "World",
]

if not TYPE_CHECKING:  # a checker would take this for an answer to any name

    def __getattr__(name: str) -> object:
        """Import `Sandbox` when it is asked for: the server needs werkzeug, which is an extra."""
        if name == "Sandbox":
            from tap_meta_partner.sandbox.http.server import Sandbox  # noqa: PLC0415  (see above)

            return Sandbox
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
