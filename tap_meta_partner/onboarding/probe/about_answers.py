"""Beliefs about any answer: versions, headers, ids, pages, errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tap_meta_partner.graph.errors import AccountUnreadable, CursorExpired, MetaError
from tap_meta_partner.graph.refused_fields import refused_fields
from tap_meta_partner.graph.usage import read_usage
from tap_meta_partner.graph.values import rows_of
from tap_meta_partner.onboarding.probe.beliefs import Seen, Table, no, seen, unseen, yes
from tap_meta_partner.onboarding.probe.subject import next_cursor

if TYPE_CHECKING:
    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.onboarding.probe.subject import Subject

believed = Table()

_ACCOUNT = "id,account_id,timezone_name,timezone_offset_hours_utc"
#: As long as an id of Meta's, and nobody's.
_NOBODY = "999999999999999"
_MADE_UP = "a_field_nobody_has"
_FEW_DAYS, _PAGE, _MOST_PAGES = 5, 2, 6


@believed("Meta answers as the version that was asked (facebook-api-version), without a warning")
def version_asked(subject: Subject) -> Steps[Seen]:
    """Read the two headers of the smallest call there is."""
    yield from subject.get("me", {"fields": "id"})
    headers = subject.used[-1].headers
    answered = headers.get("facebook-api-version")
    if answered is None:
        return unseen("the header is not there")
    warned = "x-ad-api-version-warning" in headers
    asked = subject.settings.api_version
    said = f"asked {asked}, answered {answered}" + (", with a warning" if warned else "")
    return Seen(answered == asked and not warned, said)


@believed("Usage of the rate limits comes with insights, in headers of JSON, as percentages")
def usage_in_headers(subject: Subject) -> Steps[Seen]:
    """Read them as the tap does."""
    yield from subject.by_day()
    headers = subject.used[-1].headers
    names = sorted(name for name in headers if "usage" in name or "throttle" in name)
    usage = read_usage(headers, subject.account.account_id)
    percent = usage.account_percent
    said = f"{', '.join(names) or 'no header'}; tier {usage.tier or 'not named'}"
    return seen(
        percent is not None and 0 <= percent <= 1000,  # noqa: PLR2004  (of a limit, and beyond)
        said,
        f"{said}; nothing that can be read of the account",
    )


@believed("An ad account's id is a text, act_ and the digits of account_id")
def ids_are_texts(subject: Subject) -> Steps[Seen]:
    """Look at the account's own."""
    found = yield from subject.get(subject.node, {"fields": _ACCOUNT})
    whole, digits = found.get("id"), found.get("account_id")
    return seen(
        isinstance(whole, str) and isinstance(digits, str) and whole == f"act_{digits}",
        "texts",
        f"{type(whole).__name__} and {type(digits).__name__}",
    )


@believed("timezone_name is a zone of the IANA database, and the offset beside it is that of now")
def zone_is_known(subject: Subject) -> Steps[Seen]:
    """Compare the two."""
    found = yield from subject.get(subject.node, {"fields": _ACCOUNT})
    name, offset = str(found.get("timezone_name")), found.get("timezone_offset_hours_utc")
    try:
        there = subject.now.astimezone(ZoneInfo(name)).utcoffset()
    except (ValueError, OSError, LookupError):
        return no("the name is not in the database")
    hours = None if there is None else there.total_seconds() / 3600
    return seen(
        offset is not None and hours == float(offset),
        "they agree",
        f"the database says {hours}, Meta {offset}",
    )


@believed("`limit` is the most rows of a page")
def limit_is_kept(subject: Subject) -> Steps[Seen]:
    """Ask for two rows of many."""
    rows = yield from _last_days(subject)
    if len(rows) <= _PAGE:
        return unseen(f"{len(rows)} rows are too few to tell")
    page = yield from _page(subject)
    count = len(rows_of(page))
    return seen(0 < count <= _PAGE, f"{count} rows with limit={_PAGE}", f"{count} with {_PAGE}")


@believed("Pages follow one another by `after`, and the last one has no `next`")
def last_page_has_no_next(subject: Subject) -> Steps[Seen]:
    """Read some days, two rows at a time."""
    expected = yield from _last_days(subject)
    days: list[str] = []
    after = None
    for _ in range(_MOST_PAGES):
        page = yield from _page(subject, after)
        found = [str(row.get("date_start")) for row in rows_of(page)]
        days += found
        after = next_cursor(page)
        if after is None:
            return seen(days == expected, f"{len(days)} rows, each once", "other rows than at once")
        if not found:
            return no("a `next` on a page after the last row")
    return no("there was always a `next`")


@believed("`paging.next` does not hold the token, where the token came in the header")
def next_hides_the_token(subject: Subject) -> Steps[Seen]:
    """Look for it in a page that has a next one."""
    page = yield from _page(subject)
    if next_cursor(page) is None:
        return unseen("there is one page only")
    token = subject.settings.tokens[subject.account.token].access_token
    return seen(token not in json.dumps(page, default=str), "it does not", "it does")


@believed("A cursor that makes no sense is refused with code 2642")
def bad_cursor_is_refused(subject: Subject) -> Steps[Seen]:
    """Ask for the page after a made-up one."""
    try:
        yield from _page(subject, "bm9ib2R5")
    except CursorExpired as error:
        return yes(_code_of(error))
    except MetaError as error:
        return no(_code_of(error))
    return no("it is answered with rows")


@believed('A field that is none is refused with code 100 and "… not valid for fields param"')
def unknown_field_is_named(subject: Subject) -> Steps[Seen]:
    """Ask for one, and see whether the tap finds its name in what Meta says."""
    asked = ("spend", _MADE_UP)
    try:
        yield from subject.get(
            f"{subject.node}/insights",
            {"level": "account", "fields": ",".join(asked), "time_range": subject.span(2)},
        )
    except MetaError as error:
        named = refused_fields(error, asked) == (_MADE_UP,)
        return seen(named, _code_of(error), f"{_code_of(error)}, in other words")
    return no("it is answered")


@believed("An object that is gone is answered with code 100, subcode 33")
def gone_object_is_100_33(subject: Subject) -> Steps[Seen]:
    """Ask for one that never was."""
    try:
        yield from subject.get(_NOBODY, {"fields": "id"})
    except MetaError as error:
        gone = (error.fault.code, error.fault.subcode) == (100, 33)
        return Seen(gone, _code_of(error))
    return no("it is answered")


@believed("An account that nobody assigned to the token's user is refused with an access error")
def unassigned_is_refused(subject: Subject) -> Steps[Seen]:
    """Ask for its insights."""
    if subject.unassigned is None:
        return unseen("name one with --unassigned, or set business_id")
    try:
        yield from subject.get(
            f"act_{subject.unassigned}/insights",
            {"fields": "spend", "time_range": subject.span(2)},
        )
    except AccountUnreadable as error:
        return yes(_code_of(error))
    except MetaError as error:
        return no(_code_of(error))
    return no("it is answered")


@believed("A token sees ad accounts that were assigned to its user after it was made")
def later_accounts_are_seen(subject: Subject) -> Steps[Seen]:
    """Look for one in the list, and ask for it."""
    if subject.later is None:
        return unseen("name one with --assigned-later")
    found = yield from subject.get("me/adaccounts", {"fields": "account_id", "limit": 500})
    listed = subject.later in {str(row.get("account_id")) for row in rows_of(found)}
    try:
        yield from subject.get(f"act_{subject.later}", {"fields": "id"})
    except AccountUnreadable as error:
        return no(f"{'listed' if listed else 'not listed'}, and {_code_of(error)}")
    return seen(listed, "listed, and it answers", "not listed, though it answers by its id")


_BY_DAY = {"level": "account", "fields": "spend", "time_increment": "1"}


def _last_days(subject: Subject) -> Steps[list[str]]:
    """Return those of a few days that have a row."""
    rows = yield from subject.by_day()
    since = subject.span(_FEW_DAYS)["since"]
    return [day for row in rows if (day := str(row.get("date_start"))) >= since]


def _page(subject: Subject, after: str | None = None) -> Steps[dict[str, object]]:
    """Ask for these days, two rows at a time."""
    params = {**_BY_DAY, "time_range": subject.span(_FEW_DAYS), "limit": _PAGE}
    if after is not None:
        params["after"] = after
    return (yield from subject.get(f"{subject.node}/insights", params))


def _code_of(error: MetaError) -> str:
    fault = error.fault
    if fault.code is None:
        return f"HTTP {fault.status}" if fault.status else "no answer"
    return f"code {fault.code}" + ("" if fault.subcode is None else f"/{fault.subcode}")
