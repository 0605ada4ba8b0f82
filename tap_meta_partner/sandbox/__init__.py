"""A local Graph API with made-up clients, to build and test a pipeline without a Meta app.

It speaks HTTP only. `World` says what is true, so that what arrived can be held against it.
"""

from __future__ import annotations

from tap_meta_partner.sandbox.graph.tokens import TokenInfo
from tap_meta_partner.sandbox.graph.usage import Budget
from tap_meta_partner.sandbox.http.server import Sandbox
from tap_meta_partner.sandbox.protocol.calls import ReceivedCall
from tap_meta_partner.sandbox.protocol.faults import Fault
from tap_meta_partner.sandbox.world.truth import PeriodTotals, Totals
from tap_meta_partner.sandbox.world.world import World

__all__ = [
    "Budget",
    "Fault",
    "PeriodTotals",
    "ReceivedCall",
    "Sandbox",
    "TokenInfo",
    "Totals",
    "World",
]
