"""What Meta really answered: the files of tests/contract/real, and a Graph API that answers them.

Each file is served to one ad account: the one its rows name, or one made up. A report of the
tap's says in a filter which file it wants; what the dimensions' edges hold goes by the account.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FOLDER = Path(__file__).parents[1] / "contract" / "real"
DIMENSIONS = ("campaigns", "adsets", "ads", "adcreatives")
_MADE_UP = "700000000000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealFile:
    """One file of real answers.

    Attributes:
        name: the file's, without its ending.
        kind: what Meta was asked for.
        account_id: whose it is; made up where its rows do not say.
        rows: rows or objects as they came, numbers with a point as Decimal.
        asked: for insights, level, breakdowns and the rest as the report was asked.
    """

    name: str
    kind: str
    account_id: str
    rows: Sequence[Mapping[str, Any]]
    asked: Mapping[str, Any]

    @property
    def report(self) -> dict[str, Any]:
        """The report of the tap's that wants this file: if nothing else is said, all its keys."""
        breakdowns = self.asked["breakdowns"]
        keys = self.asked.get("fields") or dict.fromkeys(key for row in self.rows for key in row)
        report = {
            "name": self.name,
            "level": self.asked["level"],
            "breakdowns": breakdowns,
            "fields": [key for key in keys if key not in breakdowns],
            "action_attribution_windows": self.asked["action_attribution_windows"],
            "time_increment": self.asked["time_increment"],
            "filtering": [{"field": "file", "operator": "EQUAL", "value": self.name}],
        }
        # What the files do not tell is Meta's default; the tap means by an empty list that too.
        if self.asked["action_breakdowns"]:
            report["action_breakdowns"] = self.asked["action_breakdowns"]
        return report


def real_files(*kinds: str) -> list[RealFile]:
    """Read the files of these kinds that hold rows."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        if content["kind"] not in kinds:
            continue
        named = {row["account_id"] for row in content["rows"] if "account_id" in row}
        # Two accounts in one file are one owner's: all objects are served to the first.
        owner = min(named, default=_MADE_UP)
        found.append(
            RealFile(
                name=path.stem,
                kind=content["kind"],
                account_id=owner.removeprefix("act_"),
                rows=content["rows"],
                asked=content,
            )
        )
    return found


class RealGraph:
    """A Graph API whose ad accounts hold what the files say."""

    def __init__(self, files: Sequence[RealFile]) -> None:
        self._reports = {each.name: each for each in files if each.kind == "insights"}
        self._objects: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
        self._accounts: dict[str, Mapping[str, Any]] = {}
        for each in files:
            if each.kind == "accounts":
                self._accounts |= {row["id"].removeprefix("act_"): row for row in each.rows}
            elif each.kind in DIMENSIONS:
                self._objects[each.account_id, each.kind] += each.rows
        for each in files:
            if each.kind != "accounts":
                made_up = {"id": f"act_{each.account_id}", "account_id": each.account_id}
                self._accounts.setdefault(each.account_id, made_up)

    @cached_property
    def application(self) -> Any:  # noqa: ANN401  (a WSGI application)
        """The WSGI application."""
        return Request.application(self._answer)

    def _answer(self, request: Request) -> Response:
        _, _, account_id = request.path.rpartition("/act_")
        account_id, _, edge = account_id.partition("/")
        if request.path.endswith("/me/adaccounts"):
            return _data(list(self._accounts.values()))
        if edge in DIMENSIONS:
            return _data(self._objects[account_id, edge])
        if edge == "insights" and "filtering" in request.args:
            (condition,) = json.loads(request.args["filtering"])
            wanted = self._reports[condition["value"]]
            return _data(wanted.rows if wanted.account_id == account_id else [])
        if edge == "insights":
            return _data([_active_day(account_id, json.loads(request.args["time_range"]))])
        # Ads name creatives that no file holds.
        text = f"Unsupported get request. Object with ID '{request.path}' does not exist"
        error = {"message": text, "type": "GraphMethodException", "code": 100, "error_subcode": 33}
        return Response(json.dumps({"error": error}), 400, mimetype="application/json")


def _data(rows: Sequence[Mapping[str, Any]]) -> Response:
    """Answer one page; a Decimal is written with its digits."""
    text = json.dumps({"data": rows}, default=float)
    return Response(text, mimetype="application/json")


def _active_day(account_id: str, time_range: Mapping[str, str]) -> dict[str, Any]:
    """The tap asks first on which days there was anything: on the one it is told to read."""
    day = dt.date.fromisoformat(time_range["until"]).isoformat()
    life = {"impressions": "1", "spend": "0.01"}
    return {"account_id": account_id, "date_start": day, "date_stop": day, **life}


@contextlib.contextmanager
def serving(graph: RealGraph) -> Iterator[str]:
    """Serve a graph on a free port of this machine, and stop in the end.

    Yields:
        Its address.
    """
    server = make_server("127.0.0.1", 0, graph.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
