"""Is this a state, a catalog, a file: what is wrong is said in one line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tap_meta_partner.singer.input import Complaint, ReadOnce
from tap_meta_partner.tap import TapMetaPartner
from tests.support.taps import tap_with

if TYPE_CHECKING:
    from pathlib import Path


def one_partition(value: object, **more: object) -> dict[str, Any]:
    """Return a state with one bookmark of an account with that id."""
    partition = {"context": {"account_id": value}, **more}
    return {"bookmarks": {"ad_insights": {"partitions": [partition]}}}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"bookmarks": []}, "not an object with bookmarks"),
        ({"bookmarks": {"ad_insights": 3}}, "the bookmark of ad_insights"),
        ({"bookmarks": {"ad_insights": {"partitions": {}}}}, "are not a list"),
        ({"bookmarks": {"ad_insights": {"partitions": [{"context": 1}]}}}, "no account_id"),
        ({"bookmarks": {"a\nb": 3}}, r"the bookmark of a\\nb"),
        ({"type": "STATE", "value": {"bookmarks": {}}}, "not an object with bookmarks"),
        ({"bookmarks": {}, "half": "\ud800"}, "characters that cannot be written"),
        (
            {"bookmarks": {"ad_insights": {"progress_markers": 3}}},
            "progress_markers of ad_insights",
        ),
        (one_partition("1", progress_markers=3), "progress_markers of ad_insights"),
        (one_partition("act_1"), "act_1, in a partition of ad_insights, is no ad account's id"),
        (one_partition("日本"), "is no ad account's id"),
        (one_partition("1\n2"), "is no ad account's id"),
        (one_partition(None), "None, in a partition"),
        (one_partition(["1"]), "is no ad account's id"),
        (one_partition(1.5), "1.5, in a partition"),
        (one_partition(value=True), "True, in a partition"),
    ],
)
def test_state__that_makes_no_sense_is_refused_in_one_line(
    state: dict[str, Any], words: str
) -> None:
    """A malformed state is named, not met as a traceback."""
    with pytest.raises(Exception, match=words) as caught:
        tap_with(state=state)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("catalog", "words"),
    [
        ([], "not an object with a list of streams"),
        ({"streams": None}, "not an object with a list of streams"),
        ({"streams": [None]}, "a stream has no tap_stream_id"),
        ({"streams": [{"stream": "ad_insights"}]}, "a stream has no tap_stream_id"),
        ({"streams": [{"tap_stream_id": "x", "stream": 3}]}, "the name of x"),
        ({"streams": [{"tap_stream_id": "x", "schema": None}]}, "the schema of x"),
        ({"streams": [{"tap_stream_id": "x", "schema": {"properties": []}}]}, "the schema of x"),
        ({"streams": [{"tap_stream_id": "x", "schema": {"type": 3}}]}, "the schema of x"),
        ({"streams": [{"tap_stream_id": "x", "schema": {"type": [3]}}]}, "the schema of x"),
        ({"streams": [{"tap_stream_id": "x", "schema": {"items": True}}]}, "the schema of x"),
        (
            {"streams": [{"tap_stream_id": "x", "schema": {"properties": {"a": "string"}}}]},
            "the schema of x",
        ),
        ({"streams": [{"tap_stream_id": "x", "metadata": None}]}, "the metadata of x"),
        ({"streams": [{"tap_stream_id": "x", "metadata": [{}]}]}, "the metadata of x"),
        ({"streams": [], "half": "\ud800"}, "characters that cannot be written"),
    ],
)
def test_catalog__that_makes_no_sense_is_refused_in_one_line(
    catalog: dict[str, Any], words: str
) -> None:
    """A malformed catalog is named, not met as a traceback."""
    with pytest.raises(Complaint, match=words) as caught:
        tap_with(catalog=catalog)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["config", "state", "catalog"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"3", "does not hold a JSON object"),
        (b'"a-secret"', "does not hold a JSON object"),
        (b"[1]", "does not hold a JSON object"),
    ],
    ids=["empty", "half", "bytes", "deep", "number", "text", "list"],
)
def test_file__without_a_json_object_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, option: str, content: bytes, words: str
) -> None:
    """The option is named, the content is not shown, and nothing is asked."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('{"access_token": "T", "api_url": "http://127.0.0.1:9"}', encoding="utf-8")
    bad.write_bytes(content)
    arguments = [f"--{option}", str(bad)]
    if option != "config":
        arguments += ["--config", str(good)]

    result = CliRunner().invoke(TapMetaPartner.cli, arguments)

    assert result.exit_code == 1
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert said.startswith(f"the file given as --{option} {words}")
    assert "\n" not in said
    assert "a-secret" not in said
    assert result.stdout == ""


def test_text__that_was_read_is_let_go_of() -> None:
    """Who holds on to the file for the whole run does not hold on to what was in it."""
    text = "".join(("{", "}" * 10))
    kept = ReadOnce(text)
    references = sys.getrefcount(text)

    assert kept.read() == text
    assert sys.getrefcount(text) == references - 1
    assert kept.read() == ""
