"""Beliefs about lists of campaigns, ad sets and ads."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tap_meta_partner.graph.values import rows_of
from tap_meta_partner.onboarding.probe.beliefs import Seen, Table, seen, unseen

if TYPE_CHECKING:
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.onboarding.probe.subject import Subject

believed = Table()

_FIELDS = "id,effective_status,updated_time"
_NONE = "the account has no campaign"


@believed("Archived and deleted objects are not listed unless their status is asked for")
def archived_are_not_listed(subject: Subject) -> Steps[Seen]:
    """Look at the campaigns that are listed."""
    found = yield from _campaigns(subject)
    statuses = [str(row.get("effective_status")) for row in found]
    if not statuses:
        return unseen(_NONE)
    gone = sum(status in ("ARCHIVED", "DELETED") for status in statuses)
    return Seen(not gone, f"{gone} of {len(statuses)} listed are archived or deleted")


@believed("`effective_status` lists the objects with these statuses, and no others")
def statuses_are_kept(subject: Subject) -> Steps[Seen]:
    """Ask for archived campaigns."""
    found = yield from _campaigns(subject, effective_status=["ARCHIVED"])
    others = sum(row.get("effective_status") != "ARCHIVED" for row in found)
    return seen(not others, f"{len(found)} archived ones", f"{others} of {len(found)} are not")


@believed("`filtering` by updated_time lists only what changed since")
def changes_can_be_asked(subject: Subject) -> Steps[Seen]:
    """Ask for what will change tomorrow."""
    plain = yield from _campaigns(subject)
    if not plain:
        return unseen(_NONE)
    tomorrow = dt.datetime.combine(
        subject.today + dt.timedelta(days=2), dt.time.min, tzinfo=dt.timezone.utc
    )
    condition = {
        "field": "campaign.updated_time",
        "operator": "GREATER_THAN",
        "value": int(tomorrow.timestamp()),
    }
    found = yield from _campaigns(subject, filtering=[condition])
    return seen(not found, "nothing of tomorrow", f"{len(found)} campaigns of tomorrow")


def _campaigns(subject: Subject, **params: object) -> Steps[list[dict[str, object]]]:
    found = yield from subject.get(
        f"{subject.node}/campaigns", {"fields": _FIELDS, "limit": 25, **params}
    )
    return rows_of(found)
