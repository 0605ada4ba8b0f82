"""Settings, states, catalogs and rows of any shape: right rows or one clear line, never a crash."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import io
import json
import logging
import math
import subprocess
import sysconfig
import threading
import time
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import set_json_loads
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tap_meta_partner.demo.postgres import embedded_postgres
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.sandbox import Dials, Sandbox, World
from tap_meta_partner.settings.table import SETTING_NAMES
from tap_meta_partner.singer.input import Complaint
from tap_meta_partner.tap import TapMetaPartner
from tests.support.examples import examples
from tests.support.tap_process import (
    FIGURES,
    catalog_selecting,
    run_tap,
    spend_by_account_and_day,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.timezone.utc)
TOKEN = "EAAB-secret-token-0123456789"
APP_SECRET = "secret-of-the-app-0123456789"
#: No pause is slept through: a second of the tap's takes a ten-thousandth.
CLOCK = Clock(
    utc_now=lambda: NOW,
    monotonic=lambda: time.monotonic() * 10_000,
    jitter=lambda: 0.5,
    second=1e-4,
)
THOROUGHLY = partial(
    settings,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


# The tap in this process.


@dataclass(slots=True)
class Result:
    """What a run did.

    Attributes:
        code: the exit code.
        lines: what it logged, from WARNING on, but for how it went; with the complaint it ended
            with.
        log: all it logged, at any level.
        messages: what it wrote.
    """

    code: int = 0
    lines: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def records(self, stream: str = "ad_insights") -> list[dict[str, Any]]:
        """Return a stream's records."""
        return [
            message["record"]
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    @property
    def state(self) -> dict[str, Any]:
        """The last state."""
        states = [message["value"] for message in self.messages if message["type"] == "STATE"]
        return states[-1] if states else {}

    def days(self, stream: str = "ad_insights") -> dict[str, str]:
        """Return the last day delivered by account, of those of which any was."""
        partitions = self.state.get("bookmarks", {}).get(stream, {}).get("partitions", [])
        return {
            str(each["context"]["account_id"]): str(each["replication_key_value"])
            for each in partitions
            if each.get("replication_key_value")
        }


class _Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, result: Result) -> None:
        super().__init__(logging.DEBUG)
        self._result = result

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        self._result.log.append(text)
        if record.levelno >= logging.WARNING and not text.startswith(FIGURES):
            self._result.lines.append(text)


def run_here(
    config: Mapping[str, Any],
    *,
    state: Any = None,  # noqa: ANN401  (any JSON value)
    catalog: Any = None,  # noqa: ANN401
) -> Result:
    """Run the tap in this process; only its own ways to end are caught."""
    result = Result()
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    handler = _Lines(result)
    logging.getLogger().addHandler(handler)
    try:
        with contextlib.redirect_stdout(out):
            TapMetaPartner(
                config=copy.deepcopy(dict(config)),
                state=copy.deepcopy(state),
                catalog=copy.deepcopy(catalog),
                clock=CLOCK,
            ).sync_all()
    except Complaint as complaint:
        result.code = complaint.exit_code
        result.lines.append(complaint.message)
    except SystemExit as end:
        result.code = int(end.code or 0)
    finally:
        logging.getLogger().removeHandler(handler)
    out.seek(0)
    result.messages = [
        json.loads(line, parse_float=Decimal) for line in out.read().split("\n") if line
    ]
    return result


def assert_sound(result: Result) -> None:
    """Hold what every run must keep to: single lines, no secrets, records as SCHEMA says."""
    assert result.code in {0, 1}
    if result.code:
        assert result.lines
    assert [line for line in result.lines if len(line.splitlines()) != 1] == []
    everything = "\n".join([*result.log, *result.lines, json.dumps(result.messages, default=str)])
    assert TOKEN not in everything
    assert APP_SECRET not in everything
    schemas: dict[str, dict[str, Any]] = {}
    for message in result.messages:
        if message["type"] == "SCHEMA":
            schemas[message["stream"]] = message
        elif message["type"] == "RECORD":
            schema, record = schemas[message["stream"]], message["record"]
            assert set(record) <= set(schema["schema"]["properties"])
            assert None not in [record[name] for name in schema["key_properties"]]


# The world: two accounts, four days.


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    world = World.agency(seed=7, accounts=2, idle=0, days=4, now=lambda: NOW)
    with Sandbox(world, Dials(token=TOKEN)) as served:
        yield served


@pytest.fixture(scope="module")
def config(sandbox: Sandbox) -> dict[str, Any]:
    return {"access_token": TOKEN, "api_url": sandbox.url}


@pytest.fixture(scope="module")
def truth(sandbox: Sandbox) -> dict[tuple[str, str], Decimal]:
    """The true spend by account and day."""
    return {
        (account.id, str(day)): total.spend
        for account in sandbox.world.readable()
        for day, total in sandbox.world.truth.day_totals(
            account.id, NOW.date() - dt.timedelta(days=9), account.today(NOW)
        ).items()
    }


@pytest.fixture(scope="module")
def yesterdays(sandbox: Sandbox) -> dict[str, str]:
    return {
        account.id: str(account.today(NOW) - dt.timedelta(days=1))
        for account in sandbox.world.readable()
    }


@pytest.fixture(scope="module")
def good(config: dict[str, Any]) -> Result:
    """A first run, and with it the state it left."""
    return run_here(config)


def assert_exact(result: Result, truth: Mapping[tuple[str, str], Decimal]) -> None:
    """Hold the spend of each account and day that came against the truth."""
    rows = [row for row in result.records() if row.get("spend") is not None]
    spend = spend_by_account_and_day(rows)
    assert spend == {key: truth[key] for key in spend}


# Anything at all.

TEXTS = st.text(st.characters(), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXTS
    | st.sampled_from(
        [
            *("2026-11-23", "2026-11-23T05:00:00Z", "2999-01-01", "0001-01-01", "9999-12-31"),
            *(
                "ad|1||default",
                "campaign|1||",
                "spend",
                "act_1",
                "1",
                "async",
                "",
                "\ud83d",
                "a\nb",
            ),
            *(10**30, -1, 0, 1, 64, 0.5, math.nan),
        ]
    )
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value inside a JSON value."""
    inside: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    for key, item in inside:
        yield (*path, key)
        yield from places(item, (*path, key))


def spoil(whole: object, path: tuple[Any, ...], how: str, value: object) -> None:
    """Replace, remove, double or add something at a place, if it is (still) there."""
    holder: Any = whole
    with contextlib.suppress(AttributeError, LookupError, TypeError):
        for key in path[:-1]:
            holder = holder[key]
        if how == "replace":
            holder[path[-1]] = value
        elif how == "remove":
            del holder[path[-1]]
        elif how == "double":
            holder.insert(0, copy.deepcopy(holder[path[-1]]))
        else:
            holder[path[-1]][how] = value


HOW = st.sampled_from(["replace", "replace", "remove", "double", "added"])


# Settings.


SECRET_SETTINGS = {"access_token", "app_secret", "access_tokens"}
#: The SDK's own, which it checks itself.
OF_THE_SDK = ["stream_maps", "stream_map_config", "flattening_enabled", "flattening_max_depth"]
REPORT_KEYS = [
    *("name", "level", "fields", "breakdowns", "action_breakdowns", "filtering", "start_date"),
    *(
        "action_attribution_windows",
        "lookback_days",
        "time_increment",
        "date_preset",
        "action_rows",
    ),
]


@THOROUGHLY(max_examples=examples(150))
@given(
    st.dictionaries(
        st.sampled_from([*sorted(SETTING_NAMES - {"api_url"}), *OF_THE_SDK]), JSON, max_size=3
    )
)
def test_settings__of_any_kind_are_a_line_or_a_right_run(
    config: dict[str, Any], truth: dict[tuple[str, str], Decimal], change: dict[str, Any]
) -> None:
    """A setting of any JSON type is refused in one line or taken: no crash, no wrong row."""
    result = run_here({**config, "request_timeout": 5, **change})

    assert_sound(result)
    assert_exact(result, truth)


@THOROUGHLY(max_examples=examples(80))
@given(st.dictionaries(st.sampled_from(REPORT_KEYS), JSON, max_size=3))
def test_report__of_any_kind_is_a_line_or_a_right_run(
    config: dict[str, Any], truth: dict[tuple[str, str], Decimal], change: dict[str, Any]
) -> None:
    """A report's key of any JSON type is refused in one line or taken; other streams are right."""
    result = run_here({**config, "reports": [{"name": "r", "fields": ["spend"], **change}]})

    assert_sound(result)
    assert_exact(result, truth)


@THOROUGHLY(max_examples=examples(60))
@given(JSON)
def test_api_url__of_any_kind_never_shows_the_token(value: object) -> None:
    """An address of any JSON type is refused in one line or kept; the token is never quoted."""
    said = ""
    try:
        TapMetaPartner(config={"access_token": TOKEN, "api_url": value})
    except Complaint as complaint:
        said = complaint.message

    assert len(said.splitlines()) < 2
    assert TOKEN not in said


@THOROUGHLY()
@given(st.dictionaries(st.sampled_from(sorted(SECRET_SETTINGS)), JSON, min_size=1))
def test_secret__of_any_kind_is_not_quoted(config: dict[str, Any], change: dict[str, Any]) -> None:
    """What stands in a secret's place is never shown, be it a list or a number."""
    marked = {name: [value, "hidden-0815"] for name, value in change.items()}

    result = run_here({**config, **marked})

    assert result.code == 1
    assert "hidden-0815" not in "\n".join([*result.lines, *result.log])


# State.


def spoilt(whole: Mapping[str, Any], data: st.DataObject) -> dict[str, Any]:
    """Return a copy with something wrong at up to three places."""
    wrong: dict[str, Any] = copy.deepcopy(dict(whole))
    where = list(places(wrong))
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(wrong, data.draw(st.sampled_from(where)), data.draw(HOW), data.draw(JSON))
    return wrong


@THOROUGHLY(max_examples=examples(150))
@given(st.data())
def test_state__malformed_is_a_line_or_a_right_run(
    config: dict[str, Any],
    truth: dict[tuple[str, str], Decimal],
    yesterdays: dict[str, str],
    good: Result,
    data: st.DataObject,
) -> None:
    """Whatever is wrong in a state, a run ends in a line, or rows and bookmarks are right."""
    state = spoilt(good.state, data)

    result = run_here(config, state=state)

    assert_sound(result)
    assert_exact(result, truth)
    if result.code == 0:
        days = result.days()
        assert {account_id: days[account_id] for account_id in yesterdays} == yesterdays


def partition(account_id: object, day: object = "2026-11-20", **more: object) -> dict[str, Any]:
    return {
        "context": {"account_id": account_id},
        "replication_key": "date_start",
        "replication_key_value": day,
        **more,
    }


def of_ads(*partitions: object, **more: object) -> dict[str, Any]:
    return {"bookmarks": {"ad_insights": {"partitions": list(partitions), **more}}}


@pytest.fixture
def ids(yesterdays: dict[str, str]) -> tuple[str, str]:
    one, other = yesterdays
    return one, other


@pytest.mark.parametrize(
    "make",
    [
        lambda one, _: of_ads(partition(int(one))),
        lambda one, _: of_ads(partition(one), partition(one, "2026-11-01")),
        lambda one, _: of_ads(partition(one, "2026-11-20T00:00:00+00:00")),
        lambda one, _: of_ads(partition(one, "2999-01-01")),
        lambda one, _: of_ads(partition(one, "9999-12-31", since="0001-01-01")),
        lambda one, _: of_ads(partition(one, "2020-01-01", since="2019-01-01")),
        lambda one, _: of_ads(partition(one, "0001-01-01")),
        lambda one, _: of_ads(partition(one, "2026-11-01", since="2026-11-20")),
        lambda one, _: of_ads({"context": {"account_id": one}}),
        lambda one, _: of_ads(partition(one, report="what another tool wrote")),
        lambda one, _: of_ads(partition(one, report={"level": "ad"})),
        lambda one, _: of_ads(partition(one, pace={"days": "x", "mode": ["y"], "easy": {}})),
        lambda one, _: of_ads(partition(one, pace=[1])),
        lambda one, _: of_ads(
            partition(one, starting_replication_value="2026-01-01", progress_markers={"x": 1})
        ),
        lambda _, __: of_ads(replication_key="date_start", replication_key_value="2026-11-24"),
        lambda one, _: {"bookmarks": {"gone_report": {"partitions": [partition(one)]}}},
        lambda one, _: of_ads(partition(one), {"context": {"account_id": one, "more": 1}}),
        lambda _, __: {"bookmarks": {"ad_insights": {}}, "currently_syncing": 3},
        lambda _, __: {},
    ],
    ids=[
        *("id as a number", "twice", "date-time", "future", "last day there is", "dormant"),
        *("first day there is", "ends before it begins", "no day", "foreign fingerprint"),
        *("fingerprint of another kind", "pace of another kind", "pace a list", "sdk leftovers"),
        *("sdk only, no partitions", "unknown stream", "context with more", "no partitions"),
        "empty",
    ],
)
def test_state__odd_but_readable_gives_every_day(
    config: dict[str, Any],
    truth: dict[tuple[str, str], Decimal],
    yesterdays: dict[str, str],
    ids: tuple[str, str],
    make: Callable[[str, str], dict[str, Any]],
) -> None:
    """All rows arrive, exactly, and both accounts are bookmarked at their own yesterday."""
    result = run_here(config, state=make(*ids))

    assert result.code == 0
    assert spend_by_account_and_day(result.records()) == truth
    assert result.days() == yesterdays


@pytest.mark.parametrize("key", ["replication_key_value", "since"])
@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "", True, 20261120, [], {}])
def test_state__garbage_for_a_day_is_a_line_and_loses_no_bookmark(
    config: dict[str, Any], ids: tuple[str, str], key: str, day: object
) -> None:
    """Stream, account and value are named, nothing is read, and the state stays as it was."""
    one, other = ids
    state = of_ads(partition(other), partition(one, **{key: day}))

    result = run_here(config, state=state)

    assert result.code == 1
    assert len(result.lines) == 1
    assert f"the state of ad_insights, account {one}" in result.lines[0]
    assert f"{key} is " in result.lines[0]
    assert result.records() == []
    assert result.state["bookmarks"]["ad_insights"] == state["bookmarks"]["ad_insights"]


def test_state__of_an_account_that_is_gone_is_kept_and_said(
    config: dict[str, Any], yesterdays: dict[str, str]
) -> None:
    """A bookmark of an account Meta does not list stays as it was; the others are delivered."""
    result = run_here(config, state=of_ads(partition("999")))

    assert result.code == 0
    assert result.days() == {"999": "2026-11-20", **yesterdays}
    assert any(line.startswith("lost: 999") for line in result.lines)


def test_state__with_other_keys_stops_that_account_only(
    config: dict[str, Any], ids: tuple[str, str], yesterdays: dict[str, str]
) -> None:
    """A partition of other breakdowns fails, untouched; the other account goes on; exit 1."""
    one, other = ids
    kept = partition(one, report="ad|1|age|default")

    result = run_here(config, state=of_ads(kept, partition(other)))

    assert result.code == 1
    assert any("give the report another name" in line for line in result.lines)
    (now,) = [
        each
        for each in result.state["bookmarks"]["ad_insights"]["partitions"]
        if each["context"] == kept["context"]
    ]
    # But for a note that it had trouble.
    assert {name: now[name] for name in now if name != "trouble"} == kept
    assert result.days()[other] == yesterdays[other]
    assert {row["account_id"] for row in result.records()} == {other}


# Catalog.


@pytest.fixture(scope="module")
def catalog(config: dict[str, Any]) -> dict[str, Any]:
    return dict(TapMetaPartner(config=dict(config)).catalog_dict)


KEYS = {
    "account_insights": ["account_id", "date_start"],
    "campaign_insights": ["account_id", "date_start", "campaign_id"],
    "adset_insights": ["account_id", "date_start", "adset_id"],
    "ad_insights": ["account_id", "date_start", "ad_id"],
    "ad_accounts": ["account_id"],
    "account_sync_status": ["account_id", "stream", "run_started_at"],
}


@THOROUGHLY(max_examples=examples(60))
@given(st.data())
def test_catalog__malformed_is_a_line_or_a_right_run(
    config: dict[str, Any],
    truth: dict[tuple[str, str], Decimal],
    catalog: dict[str, Any],
    data: st.DataObject,
) -> None:
    """Whatever is wrong in a catalog, a run ends in a line, or rows and their keys are right."""
    result = run_here(config, catalog=spoilt(catalog, data))

    assert_sound(result)
    assert_exact(result, truth)
    for message in result.messages:
        if message["type"] == "SCHEMA":
            assert message["key_properties"] == KEYS[message["stream"]]


def entry_of(catalog: dict[str, Any], stream: str = "ad_insights") -> dict[str, Any]:
    (entry,) = [each for each in catalog["streams"] if each["tap_stream_id"] == stream]
    return dict(entry)


def test_catalog__with_all_streams_deselected_asks_nothing(
    sandbox: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    """Nothing selected is a mistake: exit 1, no call, no record, and one line says what to do."""
    before = len(sandbox.calls)

    output = run_tap(tmp_path, config, catalog=catalog_selecting(config))

    assert output.code == 1
    assert len(sandbox.calls) == before
    assert output.counts == {}
    assert len(output.complaints) == 1
    assert "nothing was read: select an insights stream" in output.complaints[0]


def test_catalog__with_unknown_and_missing_streams_reads_the_rest(
    config: dict[str, Any], truth: dict[tuple[str, str], Decimal], catalog: dict[str, Any]
) -> None:
    """A stream that is no more is passed over, one the catalog lacks is not read."""
    changed = copy.deepcopy(catalog)
    ads = entry_of(changed)
    others = [entry for entry in changed["streams"] if "campaign" not in entry["tap_stream_id"]]
    changed["streams"] = [*others, {**ads, "tap_stream_id": "gone", "stream": "gone"}]

    result = run_here(config, catalog=changed)

    assert result.code == 0
    assert spend_by_account_and_day(result.records()) == truth
    assert result.records("campaign_insights") == []
    assert result.records("gone") == []


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda entry: entry.update(key_properties=["spend"], replication_key="spend"), set()),
        (lambda entry: entry.update(replication_method="FULL_TABLE"), set()),
        (lambda entry: entry["schema"]["properties"].pop("ad_name"), {"ad_name"}),
        (lambda entry: entry["schema"]["properties"].pop("is_final"), {"is_final"}),
        (lambda entry: entry["schema"]["properties"].pop("ad_id"), set()),
        (
            lambda entry: entry["schema"]["properties"]["spend"].update(type=["string", "null"]),
            set(),
        ),
    ],
    ids=["keys", "method", "column gone", "own column gone", "key gone", "type changed"],
)
def test_catalog__changed_by_hand_keeps_keys_rows_and_bookmarks(
    config: dict[str, Any],
    truth: dict[tuple[str, str], Decimal],
    catalog: dict[str, Any],
    change: Callable[[dict[str, Any]], object],
    missing: set[str],
) -> None:
    """Rows come as ever, incrementally and under their own keys, less the columns taken out."""
    changed = copy.deepcopy(catalog)
    change(next(each for each in changed["streams"] if each["tap_stream_id"] == "ad_insights"))

    result = run_here(config, catalog=changed)

    columns = set(entry_of(catalog)["schema"]["properties"]) - missing
    schemas = [
        message
        for message in result.messages
        if message["type"] == "SCHEMA" and message["stream"] == "ad_insights"
    ]
    assert result.code == 0
    assert spend_by_account_and_day(result.records()) == truth
    assert set(result.days()) == {account_id for account_id, _ in truth}
    assert schemas
    for schema in schemas:
        assert schema["key_properties"] == KEYS["ad_insights"]
        assert set(schema["schema"]["properties"]) == columns
    assert all(set(record) == columns for record in result.records())


# Whole processes.


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"state": {"bookmarks": 3}}, "the state cannot be read"),
        ({"state": {"type": "STATE", "value": {}}}, "the state cannot be read"),
        ({"state": of_ads(partition("1", "yesterday"))}, "which is not a date"),
        ({"catalog": {"streams": [3]}}, "the catalog cannot be read"),
        ({"state": 3}, "--state does not hold a JSON object"),
        ({"change": {"reports": {"name": "x"}}}, "reports is"),
        ({"change": {"app_secret": [APP_SECRET]}}, "app_secret must be a string"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_process__with_bad_input_ends_with_one_line(
    config: dict[str, Any], tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    """The command exits 1 with one complaint, no traceback, no record and no secret."""
    output = run_tap(
        tmp_path,
        {**config, **given.get("change", {})},
        state=given.get("state"),
        catalog=given.get("catalog"),
    )

    assert output.code == 1
    assert len(output.complaints) == 1
    assert words in output.complaints[0]
    assert "Traceback" not in output.log
    assert APP_SECRET not in output.log
    assert output.counts == {}


# Rows.

DAY = "2026-11-23"


@dataclass
class Graph:
    """A Graph API with two accounts; what account 1 answers is said in full, account 2 is well."""

    insights: bytes = b""
    url: str = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        """Answer a request."""
        path = Request(environ).path
        content = as_json([row_of("2")])
        if path.endswith("/adaccounts"):
            content = as_json([account(account_id) for account_id in ("1", "2")])
        elif "/act_1/" in path:
            content = self.insights
        return Response(content, mimetype="application/json")(environ, start_response)


def account(account_id: str) -> dict[str, Any]:
    return {
        "id": f"act_{account_id}",
        "account_id": account_id,
        "name": "A client",
        "account_status": 1,
        "currency": "USD",
        "timezone_name": "UTC",
        "timezone_offset_hours_utc": 0,
    }


def row_of(account_id: str = "1", **values: object) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "ad_id": f"{account_id}1",
        "ad_name": "An ad",
        "date_start": DAY,
        "date_stop": DAY,
        "impressions": "3",
        "spend": "1.50",
        "actions": [{"action_type": "post_engagement", "value": "2"}],
        **values,
    }


def as_json(rows: object, **beside: object) -> bytes:
    return json.dumps({"data": rows, **beside}).encode()


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    made = Graph()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, made, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def only_ads(graph: Graph) -> Callable[[bytes], Result]:
    """Run the tap on the ads alone, with this as the answer for account 1."""
    config = {"access_token": TOKEN, "api_url": graph.url}
    catalog = catalog_selecting(config, "ad_insights")

    def run(answer: bytes) -> Result:
        graph.insights = answer
        result = run_here(config, catalog=catalog)
        assert_sound(result)
        # Whatever account 1 answers, account 2 is whole.
        assert result.days()["2"] == "2026-11-24"
        assert [row["ad_id"] for row in result.records() if row["account_id"] == "2"] == ["21"]
        return result

    return run


def of_one(result: Result) -> list[dict[str, Any]]:
    return [row for row in result.records() if row["account_id"] == "1"]


EMOJI = "naïve — 日本語 🎉👩‍👩‍👧‍👦 \u202eabc"
CONTROLS = "".join(map(chr, range(1, 32))) + "\x7f\x85\u2028\u2029\ufeff"
TWENTY_DIGITS = "12345678901234567890"
THIRTY_DIGITS = "123456789012345678.123456789012"


@pytest.mark.parametrize(
    ("values", "column", "expected", "said"),
    [
        ({"ad_name": EMOJI}, "ad_name", EMOJI, 0),
        ({"ad_name": CONTROLS}, "ad_name", CONTROLS, 0),
        ({"ad_name": "x" * 10_000}, "ad_name", "x" * 10_000, 0),
        ({"ad_name": "a\0b\0"}, "ad_name", "ab", 1),
        ({"ad_id": "\x0077"}, "ad_id", "77", 1),
        ({"spend": 1.5}, "spend", Decimal("1.5"), 0),
        ({"spend": THIRTY_DIGITS}, "spend", Decimal(THIRTY_DIGITS), 0),
        ({"spend": "1e3"}, "spend", Decimal(1000), 0),
        ({"spend": "NaN"}, "spend", None, 1),
        ({"spend": "-Infinity"}, "spend", None, 1),
        ({"spend": "1e1000000"}, "spend", None, 1),
        ({"spend": True}, "spend", None, 1),
        ({"spend": None}, "spend", None, 0),
        ({"impressions": 1e2}, "impressions", 100, 0),
        ({"impressions": TWENTY_DIGITS}, "impressions", None, 1),
        ({"impressions": int(TWENTY_DIGITS)}, "impressions", None, 1),
        ({"impressions": "1e999999999"}, "impressions", None, 1),
        ({"impressions": "1.5"}, "impressions", None, 1),
        ({"impressions": "Infinity"}, "impressions", None, 1),
        ({"ad_id": 23846784938030398}, "ad_id", "23846784938030398", 0),
        ({"account_id": 1}, "account_id", "1", 0),
        ({"account_id": None}, "account_id", "1", 0),
        ({"ad_name": False}, "ad_name", "false", 0),
        ({"ad_name": {"text": "x"}}, "ad_name", None, 1),
        ({"date_start": "2026-11-23T00:00:00+0000"}, "date_start", DAY, 0),
        ({"date_start": "2026-11-23T00:00:00+0000"}, "is_final", False, 0),
        ({"date_start": "2020-01-01"}, "date_start", "2020-01-01", 0),
        ({"date_stop": "soon"}, "date_stop", None, 1),
        ({"new_of_metas": {"x": [1]}}, "ad_name", "An ad", 0),
        ({"actions": None}, "actions", None, 0),
        ({"actions": []}, "actions", [], 0),
        ({"actions": [{"action_type": "x"}]}, "actions", [{"action_type": "x"}], 0),
        ({"actions": [{"value": "3"}]}, "actions", [{"value": 3}], 0),
        (
            {"actions": [{"action_type": None, "value": None}]},
            "actions",
            [{"action_type": None, "value": None}],
            0,
        ),
        ({"actions": ["like"]}, "actions", None, 3),
        ({"actions": [None]}, "actions", None, 3),
        ({"actions": {"like": 3}}, "actions", None, 3),
    ],
    ids=lambda value: str(value)[:30].encode("unicode_escape").decode(),
)
def test_row__with_an_odd_value_arrives(
    only_ads: Callable[[bytes], Result],
    values: dict[str, Any],
    column: str,
    expected: object,
    said: int,
) -> None:
    """The row comes, the value as it can be kept; what cannot is null and its column is named."""
    result = only_ads(as_json([row_of(**values)]))

    (row,) = of_one(result)
    assert row[column] == expected
    assert result.code == 0
    assert result.days()["1"] == "2026-11-24"
    assert len(result.lines) == said
    if said:
        assert next(iter(values)) in result.lines[0]


def test_row__with_odd_values_in_many_is_said_once(only_ads: Callable[[bytes], Result]) -> None:
    """A hundred rows with the same trouble are all there, and one line speaks for them."""
    rows = [row_of(ad_id=str(n), spend="NaN") for n in range(100)]

    result = only_ads(as_json(rows))

    assert len(of_one(result)) == 100
    assert len(result.lines) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (as_json([row_of(ad_id=None)]), "without a whole key (account_id=1, date_start=2026-11-23"),
        (as_json([row_of(ad_id=["1"])]), "without a whole key"),
        (as_json([row_of(date_start=None)]), "without a whole key"),
        (as_json([row_of(date_start="2026-13-01")]), "without a whole key"),
        (as_json([None]), "could not be read"),
        (as_json(["row"]), "could not be read"),
        (as_json({}), "an answer without data"),
        (as_json(None), "an answer without data"),
        (b"{}", "could not be read"),
        (b"[]", "could not be read"),
        (b"", "could not be read"),
        (b'{"data": [NaN]}', "could not be read"),
        (as_json([row_of()], paging={"next": "x"}), "a next page without a cursor"),
        (as_json([row_of()], paging={"next": "x", "cursors": 3}), "a next page without a cursor"),
        (as_json([], paging={"next": "x", "cursors": {"after": "y"}}), "the same page came twice"),
        (as_json([row_of()], paging=[1]), "could not be read"),
        (b'{"error": "no"}', "unknown error: no"),
        (b'{"error": {"code": [1], "message": {}}}', "unknown error"),
    ],
    ids=[
        *("no ad", "a list for an ad", "no day"),
        *("no such day", "no row", "a text for a row", "an object for data", "null data"),
        *("no data", "a list", "nothing", "nan", "no cursor"),
        *("odd cursors", "a loop", "odd paging", "a text for an error", "an odd error"),
    ],
)
def test_answer__that_cannot_be_right_fails_its_account_only(
    only_ads: Callable[[bytes], Result], answer: bytes, words: str
) -> None:
    """The account is named with the reason, its bookmark stays, all others are whole; exit 1."""
    result = only_ads(answer)

    assert result.code == 1
    assert "1" not in result.days()
    (line,) = [line for line in result.lines if line.startswith("failed: ")]
    assert line.startswith("failed: 1 (A client); ad_insights: ")
    assert words in line


@pytest.mark.parametrize(
    "rows",
    [[row_of(), row_of(spend="2")], [row_of(ad_id="1\0", spend="2"), row_of(ad_id="1")]],
    ids=["a key twice", "a key twice but for a nul"],
)
def test_rows__that_contradict_each_other_cost_their_key_only(
    only_ads: Callable[[bytes], Result], rows: list[dict[str, Any]]
) -> None:
    """The key is named, all other rows arrive, the bookmark goes on; exit 1 as it is news."""
    result = only_ads(as_json([*rows, row_of(ad_id="2")]))

    assert result.code == 1
    assert result.days()["1"] == "2026-11-24"
    assert "2" in {row["ad_id"] for row in of_one(result)}
    (line,) = [line for line in result.lines if line.startswith("incomplete: ")]
    assert line.startswith("incomplete: 1 (A client); ad_insights: ")
    assert "the row with the key account_id=1, date_start=2026-11-23, ad_id=1" in line
    assert "two rows with one key differ" in line


def test_rows__that_are_equal_are_one(only_ads: Callable[[bytes], Result]) -> None:
    """A row that moved to the next page while pages were read comes twice, and is delivered."""
    result = only_ads(as_json([row_of(), row_of()]))

    assert result.code == 0
    assert len(of_one(result)) == 1


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"half \\ud83d", "half \ufffd"),
        (b"caf\xe9", "caf\ufffd"),
        (b"two\nlines", "two\nlines"),
    ],
    ids=["half an emoji", "no utf-8", "a raw line break"],
)
def test_name__that_is_marred_costs_nobody_anything(
    only_ads: Callable[[bytes], Result], sent: bytes, read: str
) -> None:
    """The row arrives with its name mended, one line names the column."""
    result = only_ads(as_json([row_of(ad_name="NAME")]).replace(b"NAME", sent))

    (row,) = of_one(result)
    assert row["ad_name"] == read
    assert result.code == 0
    assert result.days()["1"] == "2026-11-24"
    (line,) = result.lines
    assert line.endswith("mended in ad_name")


@THOROUGHLY()
@given(
    st.lists(
        st.dictionaries(st.sampled_from(sorted(row_of())), JSON, max_size=4),
        max_size=4,
    )
)
def test_rows__of_any_kind_all_arrive_or_their_account_fails(
    only_ads: Callable[[bytes], Result], changes: list[dict[str, Any]]
) -> None:
    """Every row that Meta sent comes out, or the account is named: none goes silently."""
    rows = [row_of(**{"ad_id": str(n), **change}) for n, change in enumerate(changes)]

    result = only_ads(as_json(rows))

    named = [line.partition(":")[0] for line in result.lines if ": 1 (A client); " in line]
    if result.code == 0:
        assert named == []
        # Rows that are equal, once they are typed, are one.
        found = of_one(result)
        assert len({(row["ad_id"], row["date_start"]) for row in found}) == len(found)
        assert bool(found) == bool(rows)
    else:
        assert named in (["failed"], ["incomplete"])
    assert ("1" in result.days()) == (named != ["failed"])


# PostgreSQL.


@pytest.fixture(scope="module")
def loaded(
    graph: Graph, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, Any]]]:
    """What SQL finds, by ad, after target-postgres loaded what the tap wrote."""
    folder = tmp_path_factory.mktemp("odd_rows")
    rows = {
        "unicode": {"ad_name": EMOJI},
        "controls": {"ad_name": CONTROLS},
        "long": {"ad_name": "é" * 10_000},
        "nul": {"ad_name": "a\0b", "actions": [{"action_type": "li\0ke", "value": "1"}]},
        # Loaders take numbers for doubles: fifteen digits are sure.
        "many digits": {"spend": "123456789012.125", "actions": [{"value": THIRTY_DIGITS}]},
        "large": {"spend": "1e299", "impressions": str(2**63 - 1)},
        "too large": {"spend": "1e1000000", "impressions": TWENTY_DIGITS},
        "odd": {"spend": "NaN", "actions": [{"action_type": 5, "value": {"a": None}}]},
    }
    graph.insights = as_json([row_of(ad_id=name, **values) for name, values in rows.items()])
    config = {"access_token": TOKEN, "api_url": graph.url}
    tap = run_tap(folder, config, catalog=catalog_selecting(config, "ad_insights"))
    assert tap.code == 0, tap.log
    with embedded_postgres() as postgres:
        loader = folder / "loader.json"
        loader.write_text(
            json.dumps(
                {
                    "sqlalchemy_url": postgres.loader_uri,
                    "default_target_schema": "odd",
                    "use_copy": True,
                    "validate_records": False,
                }
            ),
            encoding="utf-8",
        )
        target = str(Path(sysconfig.get_path("scripts")) / "target-postgres")
        loading = subprocess.run(
            [target, "--config", str(loader)],
            input=tap.raw.encode(),
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert loading.returncode == 0, loading.stderr.decode()
        with psycopg.connect(postgres.uri) as connection:
            set_json_loads(partial(json.loads, parse_float=Decimal), connection)
            with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
                query = "select * from odd.ad_insights where account_id = '1'"
                yield {row["ad_id"]: row for row in cursor.execute(query)}


@pytest.mark.parametrize(
    ("ad", "column", "expected"),
    [
        ("unicode", "ad_name", EMOJI),
        ("controls", "ad_name", CONTROLS),
        ("long", "ad_name", "é" * 10_000),
        ("nul", "ad_name", "ab"),
        ("nul", "actions", [{"action_type": "like", "value": 1}]),
        ("many digits", "spend", Decimal("123456789012.125")),
        ("many digits", "actions", [{"value": Decimal(THIRTY_DIGITS)}]),
        ("large", "spend", Decimal("1e299")),
        ("large", "impressions", 2**63 - 1),
        ("too large", "spend", None),
        ("too large", "impressions", None),
        ("odd", "spend", None),
        ("odd", "actions", [{"action_type": 5, "value": {"a": None}}]),
    ],
    ids=lambda value: str(value)[:20].encode("unicode_escape").decode(),
)
def test_postgres__holds_the_odd_value(
    loaded: dict[str, dict[str, Any]], ad: str, column: str, expected: object
) -> None:
    """One load takes all rows: each text and number as Meta sent it, or null where none can be."""
    assert len(loaded) == 8
    assert loaded[ad][column] == expected
