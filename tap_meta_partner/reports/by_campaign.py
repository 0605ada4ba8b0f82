"""The last resort for a single day: each campaign at its own address."""

from __future__ import annotations

import logging
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_meta_partner.graph.pages import Collected
from tap_meta_partner.graph.values import spend_of
from tap_meta_partner.planning.pace import Pace
from tap_meta_partner.reports.reading import read_report
from tap_meta_partner.reports.request import SIGNS_OF_LIFE
from tap_meta_partner.settings.words import DEFAULT_ACTION_BREAKDOWNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    from tap_meta_partner.graph.pages import RowSink
    from tap_meta_partner.graph.steps import Steps
from tap_meta_partner.reports.request import Reporting, ReportRequest

logger = logging.getLogger(__name__)


def read_by_campaign(
    request: ReportRequest,
    sink: RowSink,
    reporting: Reporting,
    *,
    signs: Collection[str] = SIGNS_OF_LIFE,
) -> Steps[None]:
    """Read a window that is too much as a whole, and cannot be smaller, campaign by campaign.

    Each at its own edge. The campaigns are those with rows in it; never a `filtering`, which by
    default hides archived and deleted objects. Each campaign's spend is compared with what was read
    of it.

    Args:
        request: the window.
        sink: where its rows go.
        reporting: how to ask.
        signs: those of `SIGNS_OF_LIFE` that Meta does not refuse.
    """
    overview = replace(
        request,
        definition=replace(
            request.definition,
            level="campaign",
            breakdowns=(),
            action_breakdowns=DEFAULT_ACTION_BREAKDOWNS,
        ),
        fields=("campaign_id", *signs),
    )
    campaigns = Collected()
    yield from read_report(overview, campaigns, Pace(), reporting)
    logger.info("%s: reading %d campaigns one by one", request, len(campaigns.rows))
    sink.begin()
    for row in campaigns.rows:
        part = replace(request, node=str(row["campaign_id"]))
        total = _Totalled(sink, str(row["campaign_id"]))
        yield from read_report(part, total, Pace(), reporting)
        if "spend" in request.fields and total.spend != spend_of(row.get("spend")):
            logger.warning(
                "%s: campaign %s spent %s, but its rows add up to %s (objects that were deleted "
                "can be missing from closer levels)",
                request,
                row["campaign_id"],
                row.get("spend"),
                total.spend,
            )


class _Totalled:
    """A sink for one campaign's part of a window: passes pages on and adds their spend up."""

    def __init__(self, sink: RowSink, campaign_id: str) -> None:
        self._sink = sink
        self._campaign_id = campaign_id
        self.spend = Decimal(0)

    def begin(self, part: str = "") -> None:
        self._sink.begin(part or self._campaign_id)
        self.spend = Decimal(0)

    def page(self, rows: list[dict[str, Any]]) -> Iterable[object] | None:
        self.spend += sum((spend_of(row.get("spend")) for row in rows), Decimal(0))
        return self._sink.page(rows)
