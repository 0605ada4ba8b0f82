"""Which facts are problems, and what to do about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.accounts.tokens import MANAGE_ADS, MANAGE_BUSINESS, READ_ADS, SOON_DAYS
from tap_meta_partner.onboarding.check.findings import ERROR, WARNING, Problem
from tap_meta_partner.settings.versions import VERSION_SOON_DAYS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from tap_meta_partner.graph.errors import MetaError
    from tap_meta_partner.onboarding.check.findings import (
        AccountFacts,
        ApiFacts,
        GoneAccount,
        TokenFacts,
    )

MOST_SKEW_SECONDS = 300


#: Every user token has it, and it says nothing.
_ALWAYS_THERE = frozenset({"public_profile"})


_PAGE_PERMISSION = "read_insights"


UNASSIGNED = "shared with the Business Manager, but not assigned to the system user"


_ASSIGN = (
    "Assign it in Business settings > Users > System users > Assign assets (View performance)."
)


_RENEW = "Make a new token (or run meta-partner refresh) before then."


def problem_of(error: MetaError, about: str) -> Problem:
    """Say an error of Meta's in the tap's own words."""
    return Problem(
        severity=ERROR,
        about=about,
        what=f"{error.rule.what}: {error.fault}",
        advice=error.rule.advice,
    )


def missing_scopes(scopes: Sequence[str] | None, *, business: bool) -> tuple[str, ...]:
    """Return what reading needs and the token lacks; ads_management includes ads_read."""
    if scopes is None:
        return ()
    missing = []
    if READ_ADS not in scopes and MANAGE_ADS not in scopes:
        missing.append(READ_ADS)
    if business and MANAGE_BUSINESS not in scopes:
        missing.append(MANAGE_BUSINESS)
    return tuple(missing)


def unneeded_scopes(scopes: Sequence[str] | None, *, business: bool) -> tuple[str, ...]:
    """Return what the token may do beyond what reading takes."""
    needed = {READ_ADS, *_ALWAYS_THERE} | ({MANAGE_BUSINESS} if business else set())
    return tuple(sorted(set(scopes or ()) - needed))


def about_version(api: ApiFacts, today: dt.date) -> Iterator[Problem]:
    """Judge the version by its end, and by what Meta answers as."""
    if api.answered_as not in (None, api.version):
        yield Problem(
            severity=WARNING,
            about="api_version",
            what=f"{api.version} is asked, and Meta answers as {api.answered_as}",
            advice="Set api_version to it, and look at what changed, so that the next move is "
            "yours. (In the app: Marketing API > Settings has a switch for such upgrades.)",
        )
    if api.alive is False or api.ends is None:
        return
    left = (api.ends - today).days
    advice = f"Set api_version to a newer one ({api.newest_version_known} is known), or upgrade."
    if left < 0:
        yield Problem(
            severity=ERROR,
            about="api_version",
            what=f"{api.version} ended on {api.ends}; Meta answers as a later version would",
            advice=advice,
        )
    elif left <= VERSION_SOON_DAYS:
        yield Problem(
            severity=WARNING,
            about="api_version",
            what=f"{api.version} ends on {api.ends}, in {left} days",
            advice=advice,
        )


def about_clock(skew_seconds: int | None) -> Iterator[Problem]:
    """Judge this machine's clock: days and tokens' ends are counted by it."""
    if skew_seconds is None or abs(skew_seconds) <= MOST_SKEW_SECONDS:
        return
    side = "ahead of" if skew_seconds > 0 else "behind"
    yield Problem(
        severity=WARNING,
        about="clock",
        what=f"this machine's clock is {abs(skew_seconds)} s {side} Meta's",
        advice="Let it be set by a time server: which day is today depends on it.",
    )


def about_scopes(token: TokenFacts) -> Iterator[Problem]:
    """Judge what a token may do: too little, or more than a reader needs."""
    for scope in token.missing_scopes:
        why = "nothing can be read" if scope == READ_ADS else "business_id needs it"
        yield Problem(
            severity=ERROR,
            about=token.label,
            what=f"the permission {scope} is missing: {why}",
            advice=f"Generate the token again and tick {scope}."
            + ("" if scope == READ_ADS else " Or leave business_id out."),
        )
    if not token.unneeded_scopes:
        return
    advice = "Generate the token with ads_read only: what it may not do nobody can abuse."
    if _PAGE_PERMISSION in token.unneeded_scopes:
        advice += f" {_PAGE_PERMISSION} is a permission for Pages; older guides ask for it."
    if MANAGE_BUSINESS in token.unneeded_scopes:
        advice += f" {MANAGE_BUSINESS} is of use only with business_id set."
    yield Problem(
        severity=WARNING,
        about=token.label,
        what=f"it may do more than is needed: {', '.join(token.unneeded_scopes)}",
        advice=advice,
        needs_person=False,
    )


def about_expiry(token: TokenFacts) -> Iterator[Problem]:
    """Judge the token's end, and that of the user's consent."""
    ends = (
        ("the token", token.expires_at, token.expires_in_days, _RENEW),
        (
            "the access to data",
            token.data_access_expires_at,
            token.data_access_expires_in_days,
            "The user has to log in to the app again before then.",
        ),
    )
    for what, at, days, advice in ends:
        if at is None or days is None or days >= SOON_DAYS:
            continue
        over = days < 0
        yield Problem(
            severity=ERROR if over else WARNING,
            about=token.label,
            what=f"{what} {'ended' if over else 'ends'} on {at:%Y-%m-%d}, {_days(days)}",
            advice=advice.replace(" before then", "") if over else advice,
        )


def about_accounts(accounts: Sequence[AccountFacts]) -> Iterator[Problem]:
    """Name the accounts that cannot be read."""
    for account in accounts:
        about = f"{account.account_id} ({account.name})" if account.name else account.account_id
        if account.access == "unassigned":
            # The tap reads the others, and its run counts as good.
            yield Problem(
                severity=WARNING,
                about=about,
                what=UNASSIGNED,
                advice=_ASSIGN,
                needs_person=False,
            )
        elif account.readable is None:
            yield Problem(
                severity=WARNING,
                about=about,
                what=account.reason or "not looked at: the time for this check was over",
                advice="Run the check again, with more --minutes.",
            )


def about_dimension(name: str, refused: Mapping[str, MetaError], asked: int) -> Iterator[Problem]:
    """Say of a dimension which accounts refuse it: that costs nothing else."""
    for account_id, error in [*refused.items()][:1]:
        who = account_id if len(refused) == 1 else f"{account_id} and {len(refused) - 1} more"
        yield Problem(
            severity=WARNING,
            about=name,
            what=f"refused for {len(refused)} of {asked} ad accounts ({who}): {error.fault}",
            advice=f"{error.rule.advice} Until then the run goes on without it there.",
            needs_person=False,
        )


def about_gone(gone: Sequence[GoneAccount]) -> Iterator[Problem]:
    """Name the accounts that are no longer listed: how a withdrawn share looks."""
    for account in gone:
        yield Problem(
            severity=ERROR,
            about=f"{account.account_id} ({account.name})" if account.name else account.account_id,
            what=f"no longer shared: it was listed before ({account.last_known})",
            advice="Ask the client whether that is meant; if not, to share it again.",
        )


def days_until(at: dt.datetime | None, now: dt.datetime) -> int | None:
    """Return the whole days that are left, negative after the end."""
    return None if at is None else (at - now).days


def _days(days: int) -> str:
    if days < 0:
        return f"{-days} days ago" if days < -1 else "within the last day"
    if days == 0:
        return "in less than a day"
    return f"in {days} days" if days > 1 else "in 1 day"
