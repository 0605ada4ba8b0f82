"""Headers and states of report runs as Meta really sent them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tap_meta_partner.graph.usage import Usage, read_usage
from tests.support.one_report import Sink, read, run_answers
from tests.support.real_answers import FOLDER


def items(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Read the recorded items of a kind, each with the name of its file."""
    return [
        (path.stem, item)
        for path in sorted(FOLDER.glob("*.json"))
        if (content := json.loads(path.read_text(encoding="utf-8")))["kind"] == kind
        for item in content["items"]
    ]


HEADERS = items("headers")


@pytest.mark.parametrize(("name", "item"), HEADERS)
def test_headers__are_read_as_what_they_say(name: str, item: dict[str, Any]) -> None:
    """Shares in percent, minutes until access comes back, and the tier, from either header."""
    expected = Usage(**item["expect"])

    assert read_usage(item["headers"], item["account_id"]) == expected, name


def test_headers__without_the_account_are_the_accounts_all_the_same() -> None:
    """A throttle header names no account: it is about the one asked."""
    (found,) = [item for name, item in HEADERS if item["account_id"] == "1"]

    assert read_usage(found["headers"], "another").account_percent == pytest.approx(47)


def test_report_run__is_read_when_its_status_says_so() -> None:
    """A run at 100 % may still be running; one that is complete may say that it is running."""
    runs = [item for _, item in items("report_run")]
    assert [run["async_status"] for run in runs] == ["Job Running", "Job Completed"]
    sink = Sink()

    drive, _ = read(run_answers(*runs), sink=sink)

    assert [call.path for call in drive.calls] == [
        *("act_1/insights", "act_1/insights", "501", "501", "501/insights"),
    ]
    assert sink.values() == [1, 2]
