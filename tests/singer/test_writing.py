"""Messages go out whole, and a target that is gone ends the run with one line."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage, StateMessage

from tap_meta_partner.singer.writing import PageWriter, TargetGone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FULL = Path("/dev/full")
RECORD = {"id": "1"}
NOW = dt.datetime(2026, 11, 26, 3, 4, 5, 678901, tzinfo=dt.timezone.utc)
WAYS: dict[str, Callable[[PageWriter], None]] = {
    "message": lambda writer: writer.write_message(
        StateMessage(value={"bookmarks": {"x": "y" * 5000}})
    ),
    "page": lambda writer: writer.write_records("ads", [RECORD], NOW),
    "large page": lambda writer: writer.write_records("ads", [RECORD] * 10_000, NOW),
}


@contextlib.contextmanager
def nobody_reading() -> Iterator[None]:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", pipe)
        yield


@pytest.mark.parametrize("way", WAYS)
def test_target_gone__is_said_in_one_line(caplog: pytest.LogCaptureFixture, way: str) -> None:
    """A broken pipe ends the run with 1 and one line that says how it goes on."""
    with nobody_reading(), pytest.raises(TargetGone) as caught:
        WAYS[way](PageWriter())

    assert caught.value.code == 1
    assert caplog.messages == [
        (
            "the target stopped reading, its log says why; "
            "the next run goes on from the last state the target confirmed"
        )
    ]


def test_target_gone__leaves_nothing_to_fail_at_exit() -> None:
    """What was buffered goes nowhere: writing and flushing again, as at exit, raises nothing."""
    writer = PageWriter()
    with nobody_reading():
        with pytest.raises(TargetGone):
            writer.write_records("ads", [RECORD], NOW)
        writer.write_message(StateMessage(value={}))
        sys.stdout.flush()


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_full_disk__is_said_by_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where messages go to a file, what keeps them from it is told apart from a lost target."""
    with FULL.open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(TargetGone):
            PageWriter().write_records("ads", [RECORD], NOW)

    assert "messages cannot be written: No space left on device" in caplog.text


class CutShort(io.RawIOBase):
    """An unbuffered stdout that takes at most 1,000 bytes at a time, as after a signal."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """Take the first 1,000 bytes."""
        self.taken += data[:1000]
        return len(data[:1000])


@pytest.mark.parametrize("way", WAYS)
def test_write_cut_short__is_taken_up_again(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """With PYTHONUNBUFFERED a signal ends a write early: what is left follows, line by line."""
    out = CutShort()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out))

    WAYS[way](PageWriter())

    lines = out.taken.splitlines()
    assert len(lines) == (10_000 if way == "large page" else 1)
    assert all(json.loads(line)["type"] in {"STATE", "RECORD"} for line in lines)


def test_page__arrives_whole_and_in_order(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """However large, a page leaves as one line a record, in order, as the SDK would write it."""
    records = [{"n": number, "spend": Decimal("12.340000"), "day": NOW} for number in range(20_000)]

    PageWriter().write_records("ads", records, NOW)

    lines = capfdbinary.readouterr().out.splitlines(keepends=True)
    sdk = MsgSpecWriter()
    assert lines == [
        bytes(sdk.format_message(RecordMessage(stream="ads", record=record, time_extracted=NOW)))
        for record in records
    ]
    assert b'"spend":12.340000,' in lines[-1]
