"""A night is recorded, nothing of anybody is in the file, and replaying it brings the same rows."""

from __future__ import annotations

import datetime as dt
import json
import stat
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.sandbox import Dials, Sandbox, World
from tap_meta_partner.sandbox.http.replay import Recording, ReplayServer
from tests.support.tap_process import catalog_selecting, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.tap_process import Output

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.timezone.utc)
SECRET = "s3cret-of-the-app"
ROOT = str(Path(__file__).parents[2])
STREAMS = (
    "ad_accounts",
    "account_insights",
    "ad_insights",
    "campaigns",
    "ads",
    "adcreatives",
    "by_country",
    "account_sync_status",
)
#: Of these columns every text is somebody's.
OWN = ("name", "title", "body", "message", "url", "link", "caption", "description", "id", "hash")
REPORT = {"name": "by_country", "level": "campaign", "breakdowns": ["country"]}


@dataclass(frozen=True, slots=True)
class Night:
    """A run that was recorded, and the run that replayed it."""

    world: World
    token: str
    file: Path
    first: Output
    second: Output
    unknown: list[str]


def run(folder: Path, config: Mapping[str, Any]) -> Output:
    return run_tap(
        folder,
        config,
        catalog=catalog_selecting(dict(config), *STREAMS),
        arguments=("--now", NOW.isoformat()),
        minute=1,
        environment={"PYTHONPATH": ROOT},
    )


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("night")
    world = World.demo(seed=7, now=lambda: NOW)
    file = folder / "night.jsonl"
    settings = {"report_mode": "async", "reports": [REPORT], "app_secret": SECRET}
    # Nothing is asked for that is refused: what a run learns of one account it does not ask of the
    # next, and under other ids another account comes first.
    with Sandbox(world, Dials(deleted_listed=True)) as sandbox:
        config = {
            "api_url": sandbox.url,
            "access_token": sandbox.token,
            "business_id": world.business.id,
            **settings,
        }
        first = run(folder, {**config, "record_to": str(file)})
    with ReplayServer(Recording(file)) as replay:
        second = run(folder, {**settings, **replay.config})
        unknown = replay.recording.unknown
    return Night(world, sandbox.token, file, first, second, unknown)


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401  (JSON)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, name)
    elif isinstance(value, str):
        yield name, value


def test_recording__holds_no_original_text(night: Night) -> None:
    """Every name, id, address and text that the run delivered, looked for in the file."""
    text = night.file.read_text(encoding="utf-8")
    originals = {
        value
        for stream, rows in night.first.tables.items()
        if stream != "account_sync_status"
        for row in rows.values()
        for name, value in leaves(row)
        if any(part in name for part in OWN) and name != "timezone_name" and len(value) > 3
        if name not in ("account_status_name", "timezone_name") and not value.isupper()
    }
    escaped = {json.dumps(value)[1:-1] for value in originals}

    assert len(originals) > 300
    assert {value for value in originals | escaped if value in text} == set()


def test_recording__holds_no_secret(night: Night) -> None:
    """No token, no app secret, no proof, no name of a parameter that carries one."""
    text = night.file.read_text(encoding="utf-8")

    for secret in (night.token, SECRET, "appsecret_proof", "access_token", "Bearer"):
        assert secret not in text
    assert stat.S_IMODE(night.file.stat().st_mode) == 0o600


def test_replay__brings_the_same_rows(night: Night) -> None:
    """Row for row the same days, numbers and words of Meta's, under other ids and names."""
    assert night.unknown == []
    assert (night.first.code, night.second.code) == (0, 0)
    assert night.second.counts == night.first.counts
    for stream, rows in night.first.tables.items():
        replayed = night.second.tables[stream]
        assert Counter(map(signature, replayed.values())) == Counter(
            map(signature, rows.values())
        ), stream


def signature(row: Mapping[str, Any]) -> str:
    """Return what a recording keeps of a row: numbers, days, words of Meta's."""
    return json.dumps(
        {
            name: value
            for name, value in row.items()
            if isinstance(value, (int, float, Decimal)) and not name.endswith("_id")
        }
        | {name: row[name] for name in ("date_start", "country", "objective") if name in row},
        default=str,
        sort_keys=True,
    )


def test_replay__keeps_together_what_belonged_together(night: Night) -> None:
    """Each account's spend by day is that of one account, and rows join to their dimensions."""

    def by_account(output: Output) -> list[tuple[tuple[str, str], ...]]:
        spend: dict[str, list[tuple[str, str]]] = {}
        for row in output.tables["ad_insights"].values():
            spend.setdefault(row["account_id"], []).append((row["date_start"], str(row["spend"])))
        return sorted(tuple(sorted(days)) for days in spend.values())

    assert by_account(night.second) == by_account(night.first)
    campaigns = {row["id"] for row in night.second.tables["campaigns"].values()}
    named = {row["campaign_id"] for row in night.second.tables["by_country"].values()}
    assert named
    assert named <= campaigns


def test_replay__says_clearly_what_it_cannot_answer(night: Night) -> None:
    """Other days are named beside those that were asked then; another path is unknown."""
    recording = Recording(night.file)
    asked = next(
        line
        for line in map(json.loads, night.file.read_text(encoding="utf-8").splitlines()[1:])
        if line["path"].endswith("/insights") and "time_range" in line["parameters"]
    )
    other = {"since": "2020-01-01", "until": "2020-01-02"}
    days = recording.answer(
        asked["method"], asked["path"], {**asked["parameters"], "time_range": json.dumps(other)}
    )
    nowhere = recording.answer("GET", "act_1/insights", {})

    assert days.status == nowhere.status == 400
    assert b"time_range was" in days.body
    assert b"2020-01-01" in days.body
    assert b"nothing was asked there" in nowhere.body
    assert len(recording.unknown) == 2
