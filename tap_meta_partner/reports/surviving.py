"""A report without the fields that Meta refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from tap_meta_partner.graph.steps import ask
from tap_meta_partner.graph.surviving import surviving
from tap_meta_partner.insights.columns import key_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tap_meta_partner.graph.refused_fields import RefusedFields
    from tap_meta_partner.graph.steps import Jitter, Steps
    from tap_meta_partner.reports.request import ReportRequest

T = TypeVar("T")


def surviving_report(
    request: ReportRequest,
    read: Callable[[ReportRequest], Steps[T]],
    refused: RefusedFields,
    jitter: Jitter,
    *,
    on_refused: Callable[[], None] = lambda: None,
) -> Steps[T]:
    """Read a report with as many of its fields as Meta gives.

    Args:
        request: all that is wanted.
        read: reads what is left of it.
        refused: what Meta refused before of this report; takes note of what it refuses now.
        jitter: see `steps.ask`.
        on_refused: is called after a refusal, before anything is asked again; may raise.

    Raises:
        MetaError: as `graph.surviving`; what is needed is the key of the rows.
    """

    def probe(fields: tuple[str, ...]) -> Steps[Any]:
        call = replace(request, fields=fields).call()
        return ask(replace(call, params={**call.params, "limit": 1}), jitter)

    return surviving(
        request.fields,
        lambda fields: read(replace(request, fields=fields)),
        refused,
        request.account_id,
        needed=key_of(request.definition),
        probe=probe,
        on_refused=on_refused,
    )
