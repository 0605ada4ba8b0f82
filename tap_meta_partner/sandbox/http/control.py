"""Control over HTTP, under `/sandbox/`: for tests and demos in other processes."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from tap_meta_partner.sandbox.protocol.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.wrappers import Request

    from tap_meta_partner.sandbox.graph.graph import Graph
    from tap_meta_partner.sandbox.world.truth import Totals
    from tap_meta_partner.sandbox.world.world import World


class Control:
    """Tells the truth, restates, breaks and mends; needs no token."""

    def __init__(self, world: World, graph: Graph) -> None:
        self._world = world
        self._graph = graph

    def answer(self, request: Request, body: bytes) -> Response:
        """Do what is asked and say what came of it, both in JSON."""
        name = request.path.removeprefix("/sandbox/")
        actions: dict[tuple[str, str], Callable[[Request, Mapping[str, object]], object]] = {
            ("GET", "truth"): lambda r, _: {"data": self._truth(r.args)},
            ("POST", "restate"): lambda _, v: self._restate(v),
            ("POST", "faults"): lambda _, v: self._graph.faults.add(Fault.from_json(v)),
            ("DELETE", "faults"): lambda _, __: self._graph.faults.clear(),
            ("GET", "calls"): lambda _, __: {"data": [asdict(call) for call in self._graph.calls]},
            ("DELETE", "calls"): lambda _, __: self._graph.calls.clear(),
            ("POST", "login"): lambda _, v: self._graph.login.decide(str(v["answers"])),
            ("POST", "revoke"): lambda _, v: self._world.revoke(str(v["account_id"])),
            ("POST", "restore"): lambda _, v: self._world.restore(str(v["account_id"])),
            ("POST", "status"): lambda _, v: self._world.statuses.set(
                str(v["id"]), str(v["status"])
            ),
            ("POST", "touch"): lambda _, v: self._world.statuses.touch(str(v["id"])),
            ("POST", "break-creative"): lambda _, v: self._world.break_creative(str(v["id"])),
            ("POST", "opt-in"): lambda _, v: self._world.opt_in(str(v["feature"])),
            ("DELETE", "opt-in"): lambda _, v: self._world.opt_out(str(v["feature"])),
            ("POST", "refused-fields"): lambda _, v: self._graph.refused_fields.refuse(**_texts(v)),
            ("DELETE", "refused-fields"): lambda _, v: self._graph.refused_fields.accept(
                **_texts(v)
            ),
        }
        action = actions.get((request.method, name))
        if action is None:
            return _json_response({"error": f"no such control: {request.method} {name}"}, 404)
        try:
            values = {**request.args.to_dict(), **(json.loads(body) if body else {})}
            done = action(request, values)
        except (KeyError, TypeError, ValueError) as error:
            return _json_response({"error": f"{type(error).__name__}: {error}"}, 400)
        return _json_response({"ok": True} if done is None else done, 200)

    def _restate(self, values: Mapping[str, object]) -> object:
        return {"revision": self._world.restate(float(str(values.get("share", 0.3))))}

    def _truth(self, args: Mapping[str, str]) -> dict[str, object]:
        since, until = dt.date.fromisoformat(args["since"]), dt.date.fromisoformat(args["until"])
        asked = args.get("account_id")
        accounts = [self._world.account(asked)] if asked else self._world.readable()
        breakdowns = tuple(filter(None, args.get("breakdowns", "").split(",")))
        return {
            account.id: self._truth_by_day(account.id, since, until, breakdowns)
            for account in accounts
        }

    def _truth_by_day(
        self, account_id: str, since: dt.date, until: dt.date, breakdowns: tuple[str, ...]
    ) -> dict[str, object]:
        """Return a day's totals; with breakdowns a list of them, each with its `values`."""
        if not breakdowns:
            days = self._world.truth.day_totals(account_id, since, until)
            return {day.isoformat(): _truth_of(totals) for day, totals in days.items()}
        split = self._world.truth.breakdown_day_totals(account_id, since, until, breakdowns)
        return {
            day.isoformat(): [
                {"values": values, **_truth_of(totals)} for values, totals in by_value.items()
            ]
            for day, by_value in split.items()
        }


def _truth_of(totals: Totals) -> dict[str, object]:
    return {
        "spend": str(totals.spend),
        "impressions": totals.impressions,
        "clicks": totals.clicks,
        "rows": totals.rows_by_level,
    }


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _json_response(value: object, status: int) -> Response:
    return Response(json.dumps(value), status=status, mimetype="application/json")
