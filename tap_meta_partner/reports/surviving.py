"""A report without the fields that Meta refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from tap_meta_partner.graph.surviving import surviving
from tap_meta_partner.insights.columns import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tap_meta_partner.graph.refused_fields import RefusedFields
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.reports.request import ReportRequest

T = TypeVar("T")


def surviving_report(
    request: ReportRequest,
    read: Callable[[ReportRequest], Steps[T]],
    refused: RefusedFields,
    *,
    besides: Collection[str] = (),
) -> Steps[T]:
    """Read a report with as many of its fields as Meta knows.

    Args:
        request: all that is wanted.
        read: reads what is left of it.
        refused: what Meta refused before; takes note of what it refuses now.
        besides: fields that reading it asks on the way.

    Raises:
        MetaError: as `graph.surviving`; what is needed is the key of the rows.
    """
    return surviving(
        request.fields,
        lambda fields: read(replace(request, fields=fields)),
        refused,
        request.account_id,
        needed=key_of(request.definition),
        besides=besides,
    )
