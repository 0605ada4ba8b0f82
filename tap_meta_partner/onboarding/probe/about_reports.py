"""Beliefs about insights: days, sums, breakdowns, report runs, history."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_meta_partner.days.history import history_edge, months_before
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.graph.steps import Pause
from tap_meta_partner.graph.values import spend_of
from tap_meta_partner.onboarding.probe.beliefs import Seen, Table, no, seen, unseen, yes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.onboarding.probe.subject import Subject

believed = Table()

_DAY = dt.timedelta(days=1)
_NOTHING = "no delivery in 30 days: name an account that has some"
#: Sums of spend may differ by what is rounded for each row.
_ROUNDING = Decimal("0.05")
_STATES = frozenset(
    ("Job Not Started", "Job Started", "Job Running", "Job Completed", "Job Failed", "Job Skipped")
)
_MOST_POLLS, _POLL_SECONDS = 8, 2.0
_BREAKDOWN = "publisher_platform"
_WINDOW = "1d_click"
_MONTHS = 37
#: So that even large accounts have but a few pages of ads.
_AD_DAYS = 3


@believed("Days without delivery are absent: there are no rows of nothing")
def idle_days_are_absent(subject: Subject) -> Steps[Seen]:
    """Count the days of a month."""
    rows = yield from subject.by_day()
    empty = [row for row in rows if _is_nothing(row)]
    days = (dt.date.fromisoformat(subject.days["until"]) - _since(subject)).days + 1
    if empty:
        return no(f"{len(empty)} of {days} days are rows of nothing")
    if len(rows) < days:
        return yes(f"{days - len(rows)} of {days} days are absent")
    return (yield from _idle_ads(subject))


def _idle_ads(subject: Subject) -> Steps[Seen]:
    """Look at ads if the account delivered every day: some ad will have a day without delivery."""
    rows = yield from _ads(subject)
    empty = sum(map(_is_nothing, rows))
    if empty:
        return no(f"{empty} of {len(rows)} ads' days are rows of nothing")
    possible = len({row.get("ad_id") for row in rows}) * _AD_DAYS
    absent = possible - len(rows)
    if not absent:
        return unseen("all had delivery on every day")
    return yes(f"{absent} of {possible} ads' days are absent")


@believed("Metrics are texts, amounts with a decimal point")
def metrics_are_texts(subject: Subject) -> Steps[Seen]:
    """Look at spend and impressions."""
    rows = yield from subject.by_day()
    values = [row[name] for row in rows for name in ("spend", "impressions") if name in row]
    if not values:
        return unseen(_NOTHING)
    kinds = sorted({type(value).__name__ for value in values})
    return seen(kinds == ["str"], "texts", f"{', '.join(kinds)}")


@believed("date_start and date_stop come unasked, and are one day with time_increment=1")
def days_come_unasked(subject: Subject) -> Steps[Seen]:
    """Look at rows that were asked for other fields."""
    rows = yield from subject.by_day()
    if not rows:
        return unseen(_NOTHING)
    fine = all(
        row.get("date_start") and row.get("date_start") == row.get("date_stop") for row in rows
    )
    return seen(fine, "they do", "they do not")


@believed("`since` and `until` are both included")
def both_ends_are_included(subject: Subject) -> Steps[Seen]:
    """Ask for the last day with delivery alone."""
    rows = yield from subject.by_day()
    if not rows:
        return unseen(_NOTHING)
    day = max(str(row.get("date_start")) for row in rows)
    alone = yield from subject.insights(
        level="account",
        fields="spend",
        time_range={"since": day, "until": day},
        time_increment="1",
    )
    found = [str(row.get("date_start")) for row in alone]
    return seen(found == [day], "one day asked, one row", f"one day asked, {len(found)} rows")


@believed("Periods of n days (time_increment) begin at `since`")
def periods_begin_at_since(subject: Subject) -> Steps[Seen]:
    """Ask for weeks from a day with delivery on."""
    rows = yield from subject.by_day()
    if not rows:
        return unseen(_NOTHING)
    first = dt.date.fromisoformat(min(str(row.get("date_start")) for row in rows))
    since = min(first, subject.today - 15 * _DAY)
    weeks = yield from subject.insights(
        level="account",
        fields="spend",
        time_range={"since": str(since), "until": str(since + 13 * _DAY)},
        time_increment="7",
    )
    starts = [dt.date.fromisoformat(str(row.get("date_start"))) for row in weeks]
    if not starts:
        return unseen("no delivery in those weeks")
    fine = all((start - since).days % 7 == 0 for start in starts)
    return seen(fine, "they do", "they begin elsewhere")


@believed("Spend over all days is that of the days together")
def days_add_up(subject: Subject) -> Steps[Seen]:
    """Ask without increment."""
    rows = yield from subject.by_day()
    whole = yield from subject.insights(
        level="account", fields="spend", time_range=subject.days, time_increment="all_days"
    )
    return _compared(_spend(rows), _spend(whole))


@believed("The account's spend is that of its ads together")
def ads_add_up(subject: Subject) -> Steps[Seen]:
    """Compare the last three days at both levels."""
    account = yield from subject.insights(
        level="account", fields="spend", time_range=subject.span(_AD_DAYS), time_increment="1"
    )
    ads = yield from _ads(subject)
    return _compared(_spend(account), _spend(ads))


@believed("A breakdown's value is in every row, though it is not among the fields")
def breakdowns_come_unasked(subject: Subject) -> Steps[Seen]:
    """Ask for one."""
    rows = yield from subject.insights(
        level="account", fields="spend", time_range=subject.days, breakdowns=_BREAKDOWN
    )
    if not rows:
        return unseen(_NOTHING)
    lacking = sum(_BREAKDOWN not in row for row in rows)
    return seen(not lacking, f"in all of {len(rows)} rows", f"lacking in {lacking} of {len(rows)}")


@believed("An attribution window is a further key in each entry of an action list")
def windows_are_keys(subject: Subject) -> Steps[Seen]:
    """Ask for one."""
    rows = yield from subject.insights(
        level="account",
        fields="actions",
        time_range=subject.days,
        action_attribution_windows=[_WINDOW],
    )
    entries = [entry for row in rows for entry in row.get("actions") or []]
    if not entries:
        return unseen("no action in 30 days")
    count = sum(_WINDOW in entry for entry in entries)
    return seen(count > 0, f"in {count} of {len(entries)} entries", "in none")


@believed("Presets are days of the account's own time zone, and last_7d ends yesterday")
def presets_end_yesterday(subject: Subject) -> Steps[Seen]:
    """Ask for last_7d as one row."""
    rows = yield from subject.insights(
        level="account", fields="spend", date_preset="last_7d", time_increment="all_days"
    )
    if not rows:
        return unseen("no delivery in the last seven days")
    ends = rows[0].get("date_start"), rows[0].get("date_stop")
    expected = str(subject.today - 7 * _DAY), str(subject.today - _DAY)
    if None in ends:
        return unseen("the row does not say which days it covers")
    off = (dt.date.fromisoformat(str(ends[1])) - (subject.today - _DAY)).days
    return seen(ends == expected, "they do", f"it ends {off:+d} days from the account's yesterday")


@believed("A start before 37 months is refused with code 3018")
def history_ends(subject: Subject) -> Steps[Seen]:
    """Ask from 38 months ago."""
    since = months_before(subject.today, _MONTHS + 1)
    try:
        yield from _week_from(subject, since)
    except MetaError as error:
        return seen(error.fault.code == 3018, "code 3018", f"code {error.fault.code}")  # noqa: PLR2004
    return no("it is answered")


@believed("37 months, one day inside, counted from the account's own today, are answered")
def history_reaches_back(subject: Subject) -> Steps[Seen]:
    """Ask from the very day on which the tap begins at the most."""
    try:
        yield from _week_from(subject, history_edge(subject.today))
    except MetaError as error:
        return no(f"code {error.fault.code}")
    return yes("they are")


@believed("Breakdowns that do not go together are refused, not answered with nothing")
def bad_combination_is_refused(subject: Subject) -> Steps[Seen]:
    """Ask for age and country."""
    try:
        yield from subject.insights(
            level="account",
            fields="spend",
            time_range=subject.span(2),
            breakdowns="age,country",
        )
    except MetaError as error:
        subcode = error.fault.subcode
        return yes(f"code {error.fault.code}" + (f"/{subcode}" if subcode else ""))
    return no("it is answered")


@believed("A report run is made by POST, and its id is report_run_id")
def run_has_an_id(subject: Subject) -> Steps[Seen]:
    """Make one, of the days asked before."""
    found = yield from _run(subject)
    return seen(bool(str(found.get("report_run_id") or "").isdecimal()), "it is", "it is not")


@believed("A report run goes through states that the tap knows, and ends with Job Completed")
def run_states_are_known(subject: Subject) -> Steps[Seen]:
    """Look at it a few times."""
    states = yield from _states(subject)
    if not states:
        return unseen("no run was made")
    unknown = sum(state not in _STATES for state in states)
    if unknown:
        return no(f"{unknown} states that the tap does not know")
    done = states[-1] == "Job Completed"
    return Seen(done or None, ", ".join(dict.fromkeys(states)))


@believed("A report run's rows are those of the same report asked directly")
def run_has_the_same_rows(subject: Subject) -> Steps[Seen]:
    """Read it."""
    states = yield from _states(subject)
    if not states or states[-1] != "Job Completed":
        return unseen("the run was not done in time")
    made = yield from _run(subject)
    rows = yield from subject.insights(str(made["report_run_id"]))
    direct = yield from subject.by_day()
    days = [
        sorted((str(row.get("date_start")), spend_of(row.get("spend"))) for row in each)
        for each in (rows, direct)
    ]
    return seen(days[0] == days[1], f"{len(rows)} rows, the same", "other rows")


def _ads(subject: Subject) -> Steps[list[dict[str, Any]]]:
    return (
        yield from subject.insights(
            level="ad",
            fields="ad_id,spend,impressions,actions",
            time_range=subject.span(_AD_DAYS),
            time_increment="1",
        )
    )


def _run(subject: Subject) -> Steps[dict[str, Any]]:
    return (
        yield from subject.get(
            f"{subject.node}/insights",
            {
                "level": "account",
                "fields": "spend,impressions,actions",
                "time_range": subject.days,
                "time_increment": "1",
            },
            method="POST",
        )
    )


def _states(subject: Subject) -> Steps[list[str]]:
    """Poll until the run is done, or a few times; once it was done it is only remembered."""
    found = yield from _run(subject)
    run = str(found.get("report_run_id") or "")
    states: list[str] = []
    for number in range(_MOST_POLLS if run.isdecimal() else 0):
        answer = yield from subject.get(
            run,
            {"fields": "async_status,async_percent_completion"},
            again=run not in subject.done,
        )
        states.append(str(answer.get("async_status")))
        if states[-1] in ("Job Completed", "Job Failed", "Job Skipped"):
            subject.done.add(run)
            break
        yield Pause(_POLL_SECONDS * (number + 1), "")
    return states


def _week_from(subject: Subject, since: dt.date) -> Steps[list[dict[str, Any]]]:
    return (
        yield from subject.insights(
            level="account",
            fields="spend",
            time_range={"since": str(since), "until": str(since + 6 * _DAY)},
            time_increment="all_days",
        )
    )


def _since(subject: Subject) -> dt.date:
    return dt.date.fromisoformat(subject.days["since"])


def _is_nothing(row: Mapping[str, Any]) -> bool:
    return (
        not spend_of(row.get("spend"))
        and not spend_of(row.get("impressions"))
        and not row.get("actions")
    )


def _spend(rows: Iterable[Mapping[str, Any]]) -> Decimal:
    return sum((spend_of(row.get("spend")) for row in rows), Decimal(0))


def _compared(one: Decimal, other: Decimal) -> Seen:
    if not one and not other:
        return unseen(_NOTHING)
    if abs(one - other) <= _ROUNDING:
        return yes("they agree")
    share = abs(one - other) / max(one, other) * 100
    return no(f"they differ by {share:.1f} %")
