"""What a check found, laid out for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.onboarding.check.findings import VERDICTS
from tap_meta_partner.onboarding.screen import Facts, Listing, Notes

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from tap_meta_partner.onboarding.check.estimate import Estimate, RunEstimate
    from tap_meta_partner.onboarding.check.findings import (
        AccountFacts,
        DimensionFacts,
        Findings,
        Problem,
        TokenFacts,
    )
    from tap_meta_partner.onboarding.screen import Part

_NOT_VISIBLE = "not visible"
_COLUMNS = (
    "account",
    "name",
    "status",
    "currency",
    "time zone",
    "tasks",
    "last spend",
    "readable",
)


def parts_of(found: Findings) -> Iterator[Part]:
    """Return the screen, part by part; what needs a person comes last."""
    yield Facts("API", list(_api(found)))
    for token in found.tokens:
        title = "Token" if len(found.tokens) == 1 else f"Token: {token.label}"
        yield Facts(title, list(_token(token)))
    readable = sum(account.readable is True for account in found.accounts)
    title = f"Ad accounts: {len(found.accounts)}, of which {readable} can be read"
    if found.not_wanted:
        title += f" ({found.not_wanted} more are left out by the settings)"
    rows = [_row(account) for account in found.accounts]
    yield Listing(title, _COLUMNS, rows) if rows else Facts(title, [])
    if found.dimensions:
        yield Facts("Dimensions", [(each.name, _dimension(each)) for each in found.dimensions])
    if found.estimate:
        yield Facts("Estimate", list(_estimate(found.estimate)))
        yield Notes("Assumed", [("-", text, "") for text in found.estimate.assumed])
    if found.not_seen:
        yield Notes("Not seen", [("-", text, "") for text in found.not_seen])
    for title, needs_person in (("Advice", False), ("Problems", True)):
        told = [each for each in found.problems if each.needs_person is needs_person]
        if told:
            yield Notes(f"{title}: {len(told)}", list(_problems(told)))
    yield Facts("Result", list(_result(found)))


def _problems(told: Iterable[Problem]) -> Iterator[tuple[str, str, str]]:
    """Put together what has the same advice, and give it once."""
    groups: dict[tuple[str, str], list[str]] = {}
    for problem in told:
        key = problem.severity, problem.advice
        groups.setdefault(key, []).append(f"{problem.about}: {problem.what}")
    for (severity, advice), texts in groups.items():
        for text in texts:
            yield f"{severity}:", text, advice if text is texts[-1] else ""


def _api(found: Findings) -> Iterator[tuple[str, str]]:
    api = found.api
    yield "address", api.url
    answers = "answers" if api.alive else "is refused"
    if api.alive and api.answered_as not in (None, api.version):
        answers = f"is answered as {api.answered_as}"
    yield "version", f"{api.version}, {answers}; {api.life}"
    skew = api.clock_skew_seconds
    yield "clock", "not known" if skew is None else _clock(skew)


def _clock(skew: int) -> str:
    if abs(skew) <= 1:
        return "as Meta's"
    return f"{abs(skew)} s {'behind' if skew < 0 else 'ahead of'} Meta's"


def _token(token: TokenFacts) -> Iterator[tuple[str, str]]:
    yield "accepted", "yes" if token.works else "no"
    name = f"{token.user_name} ({token.user_id})" if token.user_name else token.user_id
    app = f"{token.app_name} ({token.app_id})" if token.app_name else token.app_id
    facts = {
        "kind": token.kind or _NOT_VISIBLE,
        "user": name or _NOT_VISIBLE,
        "app": app or _NOT_VISIBLE,
        "scopes": _NOT_VISIBLE if token.scopes is None else ", ".join(token.scopes) or "none",
        "expires": _end(token, token.expires_at, token.expires_in_days),
        "data access": _end(token, token.data_access_expires_at, token.data_access_expires_in_days),
        "appsecret_proof": token.proof or _NOT_VISIBLE,
    }
    # Of a token that Meta refuses nobody is told much.
    yield from (each for each in facts.items() if token.works or each[1] != _NOT_VISIBLE)


def _end(token: TokenFacts, at: dt.datetime | None, days: int | None) -> str:
    if not token.seen_by_app or (at is None and not token.works):
        return _NOT_VISIBLE
    if at is None:
        return "never"
    return f"{at:%Y-%m-%d %H:%M} UTC, {days} days"


def _row(account: AccountFacts) -> tuple[str, ...]:
    words = {True: "yes", False: "no", None: "not looked at"}
    return (
        account.account_id,
        account.name,
        account.status or "?",
        account.currency or "?",
        account.timezone_name or "?",
        "?" if account.tasks is None else ", ".join(account.tasks) or "none",
        str(account.last_day_with_spend or ("none" if account.readable else "?")),
        words[account.readable],
    )


def _dimension(each: DimensionFacts) -> str:
    if not each.asked:
        return "not asked: no account can be read"
    given = each.asked - len(each.refused)
    if given == each.asked:
        return f"given by all {each.asked} accounts" if each.asked > 1 else "given"
    return f"given by {given} of {each.asked} accounts"


def _estimate(found: Estimate) -> Iterator[tuple[str, str]]:
    yield (
        "accounts",
        f"{found.accounts} readable: {found.active} active, {found.accounts - found.active} idle",
    )
    yield "streams", f"{found.streams}, {found.page_size} rows a page"
    yield "tier", found.tier
    yield "first run", _run(found.first)
    yield "each night", _run(found.nightly)


def _run(run: RunEstimate) -> str:
    if not run.busiest_account_id:
        return _calls(run.calls)
    return (
        f"{_calls(run.calls)}, about {_time(run.hours)}; at most "
        f"{run.share_of_hourly_limit:g} % of an account's hourly limit "
        f"({run.busiest_account_id}: {run.busiest_account_calls} of {run.busiest_account_limit} "
        "calls)"
    )


def _calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number} calls"


def _time(hours: float) -> str:
    minutes = hours * 60
    if minutes < 1:
        return "a minute"
    return f"{minutes:.0f} minutes" if minutes < 90 else f"{hours:.1f} hours"  # noqa: PLR2004


def _result(found: Findings) -> Iterator[tuple[str, str]]:
    yield "verdict", f"{VERDICTS[found.exit_code]} (exit code {found.exit_code})"
    yield "asked", f"{_calls(found.calls)} in {found.seconds:.1f} s"
    if found.database:
        yield "database", found.database
    if found.remembered_in:
        yield "remembered", f"the list of accounts, in {found.remembered_in}"
