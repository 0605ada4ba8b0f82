"""One window of one report of one ad account, and how it is put into a call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.pages import read_pages
from tap_meta_partner.settings.model import ReportDefinition
from tap_meta_partner.settings.words import DEFAULT_ACTION_BREAKDOWNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.graph.pages import RowSink
    from tap_meta_partner.graph.steps import Jitter, Steps

#: Rows per page; the smaller ones only after a page has failed.
PAGE_SIZES = (500, 100, 50)


#: A window with more pages than this is asked for as a report run the next time.
MANY_PAGES = 10


#: Anything that happens on a day leaves a trace in one of these; conversions come on days without
#: impressions too.
SIGNS_OF_LIFE = ("impressions", "spend", "actions", "action_values", "conversions")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """What we want: a report of one ad account over one window.

    Attributes:
        fields: the `fields` parameter (never names of breakdowns).
        node: whose insights edge is asked, the ad account's where None.
    """

    definition: ReportDefinition
    fields: tuple[str, ...]
    account_id: str
    window: DateWindow
    node: str | None = None

    def call(self, method: str = "GET") -> Call:
        """Return the call; every option is sent, so that Meta's changing defaults do not matter."""
        definition = self.definition
        params: dict[str, Any] = {
            "level": definition.level,
            "fields": ",".join(self.fields),
            "time_range": {"since": str(self.window.since), "until": str(self.window.until)},
            "time_increment": str(definition.time_increment),
        }
        if definition.breakdowns:
            params["breakdowns"] = ",".join(definition.breakdowns)
        if definition.action_breakdowns != DEFAULT_ACTION_BREAKDOWNS:
            # Meta adds the action type by itself, except where an empty list is asked.
            params["action_breakdowns"] = ",".join(definition.action_breakdowns) or "[]"
        if definition.action_attribution_windows:
            params["action_attribution_windows"] = list(definition.action_attribution_windows)
        if definition.filtering:
            params["filtering"] = list(definition.filtering)
        node = self.node or f"act_{self.account_id}"
        return Call(
            path=f"{node}/insights", params=params, method=method, account_id=self.account_id
        )

    def plain_call(self) -> Call:
        """Return the plainest call about the same days: what the account had, as one number."""
        definition = ReportDefinition(name=self.definition.name, level="account")
        call = replace(self, definition=definition, fields=("impressions",), node=None).call()
        return replace(call, params={**call.params, "limit": 1})

    def __str__(self) -> str:
        return f"{self.definition.name}, account {self.account_id}, {self.window}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """How reports are asked for in this run.

    Attributes:
        mode: `auto`, `sync` or `async`.
        jitter: returns a number from 0 to 1.
        monotonic: seconds that only go forward, for stalled runs.
    """

    mode: str
    jitter: Jitter
    monotonic: Callable[[], float]


def pages_of(call: Call, sink: RowSink, reporting: Reporting) -> Steps[int]:
    """Read the pages of a report, and return how many there were; errors as `read_pages`."""
    return (yield from read_pages(call, sink, reporting.jitter, sizes=PAGE_SIZES))
