"""A local Graph API with made-up clients, to build and test a pipeline without a Meta app.

It speaks HTTP only. `World` says what is true, so that what arrived can be held against it.
"""

from tap_meta_partner.sandbox.calls import ReceivedCall
from tap_meta_partner.sandbox.faults import Fault
from tap_meta_partner.sandbox.server import Sandbox
from tap_meta_partner.sandbox.tokens import TokenInfo
from tap_meta_partner.sandbox.truth import PeriodTotals, Totals
from tap_meta_partner.sandbox.usage import Budget
from tap_meta_partner.sandbox.world import World

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
