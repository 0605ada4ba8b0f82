"""A Graph API that is other than the documents say: one way for each thing a client may believe.

Each name stands for one difference; a sandbox is made with those it is to have (`Dials.differs`).
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_meta_partner.sandbox.insights.periods import months_before
from tap_meta_partner.sandbox.protocol.errors import (
    ErrorBody,
    GraphError,
    beyond_history,
    unknown_object,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tap_meta_partner.sandbox.graph.targets import Target
    from tap_meta_partner.sandbox.protocol.calls import GraphCall

_DAY = dt.timedelta(days=1)
_INSIGHTS = frozenset({"insights", "campaign_insights", "run_result"})
_KEPT_MONTHS = 36
_NOTHING = {"spend": "0", "impressions": "0"}

Params = dict[str, str]
Body = dict[str, Any]


class Differing:
    """Changes calls and answers.

    Args:
        names: Which differences there are.
    """

    def __init__(self, names: Collection[str]) -> None:
        unknown = sorted(set(names) - DIFFERENCES)
        if unknown:
            raise ValueError(f"unknown differences {unknown}; known are {sorted(DIFFERENCES)}")
        self._names = names

    def asked(self, call: GraphCall, target: Target, today: dt.date) -> GraphCall:
        """Return the call as it is to be understood."""
        params = dict(call.params)
        for name in self._names & _ASKED.keys():
            _ASKED[name](params, target)
        if "history_reaches_back" in self._names and target.kind == "insights":
            _check_history(params, today)
        return replace(call, params=params)

    def answered(self, call: GraphCall, target: Target, body: object) -> object:
        """Return what is answered instead."""
        if not isinstance(body, dict):
            return body
        asked = {**({} if target.run is None else target.run.params), **call.params}
        for name in self._names & _ANSWERED.keys():
            body = _ANSWERED[name](body, asked, target, call)
        if target.kind in _INSIGHTS:
            for name in self._names & _ROWS.keys():
                body["data"] = [_ROWS[name](dict(row), asked) for row in body["data"]]
        return body

    def refused(self, refusal: ErrorBody) -> object:
        """Return what is answered instead of a refusal, or raise another one."""
        code = refusal.code, refusal.subcode
        if self._has("bad_cursor_is_refused") and code == (2642, None):
            return {"data": [{"spend": "1.00", "date_start": "2026-01-01"}]}
        if self._has("history_ends") and code == (3018, None):
            return {"data": []}
        if self._has("bad_combination_is_refused") and code == (2, 1504041):
            return {"data": []}
        if self._has("unassigned_is_refused") and code == (200, None):
            return {"data": []}
        if self._has("unknown_field_is_named") and "for fields param" in refusal.message:
            raise GraphError(replace(refusal, message="(#100) There is a field we do not have"))
        if self._has("gone_object_is_100_33") and code == (100, 33):
            raise GraphError(ErrorBody(803, "(#803) Some of the aliases do not exist"))
        raise GraphError(refusal)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that are sent instead."""
        changed = dict(headers)
        if self._has("version_asked"):
            changed["facebook-api-version"] = "v27.0"
            changed["X-Ad-Api-Version-Warning"] = (
                "The call has been auto-upgraded to v27.0 as v26.0 will be deprecated."
            )
        if self._has("usage_in_headers"):
            changed = {
                name: value for name, value in changed.items() if not name.lower().startswith("x-")
            }
        return changed

    def _has(self, name: str) -> bool:
        return name in self._names


# What a call is taken for.


def _more_rows(params: Params, target: Target) -> None:
    if target.kind == "insights" and "limit" in params:
        params["limit"] = str(int(params["limit"]) + 1)


def _end_excluded(params: Params, target: Target) -> None:
    if target.kind in ("insights", "run_create") and "time_range" in params:
        span = json.loads(params["time_range"])
        until = dt.date.fromisoformat(span["until"]) - _DAY
        # Of a single day only the one before would be left.
        since = min(dt.date.fromisoformat(span["since"]), until)
        params["time_range"] = json.dumps({"since": str(since), "until": str(until)})


def _without(name: str) -> Callable[[Params, Target], None]:
    def remove(params: Params, _target: Target) -> None:
        params.pop(name, None)

    return remove


def _check_history(params: Params, today: dt.date) -> None:
    if "time_range" in params:
        since = dt.date.fromisoformat(json.loads(params["time_range"])["since"])
        if since < months_before(today, _KEPT_MONTHS):
            raise beyond_history()


_ASKED: Mapping[str, Callable[[Params, Target], None]] = {
    "limit_is_kept": _more_rows,
    "both_ends_are_included": _end_excluded,
    "changes_can_be_asked": _without("filtering"),
    "statuses_are_kept": _without("effective_status"),
}


# What is answered.


def _ids_as_numbers(body: Body, _asked: Params, target: Target, _call: GraphCall) -> Body:
    if target.kind == "account" and "account_id" in body:
        body["account_id"] = int(body["account_id"])
    return body


def _own_zone(body: Body, _asked: Params, target: Target, _call: GraphCall) -> Body:
    if target.kind == "account" and "timezone_name" in body:
        body["timezone_name"] = "Central European Time"
    return body


def _always_next(body: Body, _asked: Params, target: Target, _call: GraphCall) -> Body:
    if target.kind != "insights":
        return body
    paging = body.get("paging")
    if isinstance(paging, dict):
        paging.setdefault("next", "https://graph.facebook.com/")
    elif body.get("data") == []:
        after = _asked.get("after", "UTAuMC4x")
        body["paging"] = {
            "cursors": {"before": after, "after": after},
            "next": "https://x.example/",
        }
    return body


def _token_in_next(body: Body, _asked: Params, _target: Target, call: GraphCall) -> Body:
    paging = body.get("paging")
    if isinstance(paging, dict) and paging.get("next"):
        paging["next"] = f"{paging['next']}&access_token={call.token}"
    return body


def _rows_of_nothing(body: Body, asked: Params, target: Target, _call: GraphCall) -> Body:
    if (
        target.kind in _INSIGHTS
        and asked.get("level") == "ad"
        and asked.get("time_increment") == "1"
    ):
        last = body["data"][-1] if body["data"] else {}
        body["data"] = [*body["data"], {**last, **_NOTHING, "ad_id": "1"}]
        body["data"][-1].pop("actions", None)
    return body


def _other_id(body: Body, _asked: Params, target: Target, _call: GraphCall) -> Body:
    return {"id": body["report_run_id"]} if target.kind == "run_create" else body


def _other_state(body: Body, _asked: Params, target: Target, _call: GraphCall) -> Body:
    if target.kind == "poll" and body.get("async_status") == "Job Started":
        body["async_status"] = "Job Queued"
    return body


def _a_row_less(body: Body, _asked: Params, target: Target, _call: GraphCall) -> Body:
    if target.kind == "run_result":
        body["data"] = body["data"][:-1]
    return body


def _archived_listed(body: Body, asked: Params, target: Target, _call: GraphCall) -> Body:
    if target.kind == "campaigns" and not {"filtering", "effective_status"} & asked.keys():
        for row in body["data"][:1]:
            row["effective_status"] = "ARCHIVED"
    return body


def _old_accounts_only(body: Body, asked: Params, target: Target, _call: GraphCall) -> Body:
    if target.kind == "account" and asked.get("fields") == "id":
        raise unknown_object(f"act_{target.account_id}")
    return body


_ANSWERED: Mapping[str, Callable[[Body, Params, Target, GraphCall], Body]] = {
    "ids_are_texts": _ids_as_numbers,
    "zone_is_known": _own_zone,
    "last_page_has_no_next": _always_next,
    "next_hides_the_token": _token_in_next,
    "idle_days_are_absent": _rows_of_nothing,
    "run_has_an_id": _other_id,
    "run_states_are_known": _other_state,
    "run_has_the_same_rows": _a_row_less,
    "archived_are_not_listed": _archived_listed,
    "later_accounts_are_seen": _old_accounts_only,
}


# What rows are.


def _numbers(row: Body, _asked: Params) -> Body:
    return {key: float(value) if key == "spend" else value for key, value in row.items()}


def _no_stop(row: Body, _asked: Params) -> Body:
    row.pop("date_stop", None)
    return row


def _from_another_day(row: Body, asked: Params) -> Body:
    if asked.get("time_increment", "1").isdecimal() and asked.get("time_increment") != "1":
        row["date_start"] = str(dt.date.fromisoformat(row["date_start"]) + 2 * _DAY)
    return row


def _more_in_all(row: Body, asked: Params) -> Body:
    whole = asked.get("time_increment") == "all_days" and "time_range" in asked
    return {**row, "spend": "999999.99"} if whole and "spend" in row else row


def _less_in_ads(row: Body, asked: Params) -> Body:
    return {**row, "spend": "0.01"} if asked.get("level") == "ad" and "spend" in row else row


def _no_breakdown(row: Body, asked: Params) -> Body:
    row.pop(asked.get("breakdowns", ""), None)
    return row


def _no_windows(row: Body, _asked: Params) -> Body:
    if "actions" in row:
        row["actions"] = [
            {key: value for key, value in entry.items() if not key[0].isdigit()}
            for entry in row["actions"]
        ]
    return row


def _to_today(row: Body, asked: Params) -> Body:
    if "date_preset" in asked:
        row["date_stop"] = str(dt.date.fromisoformat(row["date_stop"]) + _DAY)
    return row


_ROWS: Mapping[str, Callable[[Body, Params], Body]] = {
    "metrics_are_texts": _numbers,
    "days_come_unasked": _no_stop,
    "periods_begin_at_since": _from_another_day,
    "days_add_up": _more_in_all,
    "ads_add_up": _less_in_ads,
    "breakdowns_come_unasked": _no_breakdown,
    "windows_are_keys": _no_windows,
    "presets_end_yesterday": _to_today,
}

_REFUSED = frozenset(
    {
        "bad_cursor_is_refused",
        "history_ends",
        "bad_combination_is_refused",
        "unassigned_is_refused",
        "unknown_field_is_named",
        "gone_object_is_100_33",
    }
)

#: All names there are.
DIFFERENCES = frozenset(
    {*_ASKED, *_ANSWERED, *_ROWS, *_REFUSED}
    | {"history_reaches_back", "version_asked", "usage_in_headers"}
)
