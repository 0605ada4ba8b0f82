"""The least that has to be done: the same HTTP answers, JSON in, typed row, JSON out."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = {
    "account_currency", "account_id", "account_name", "ad_id", "ad_name", "adset_id", "adset_name",
    "attribution_setting", "campaign_id", "campaign_name", "date_start", "date_stop", "objective",
    "age", "gender",
}  # fmt: skip
_LABELS = {"action_type", "action_device"}
_COUNTS = {"impressions", "clicks", "reach", "inline_link_clicks"}


def typed(row: dict[str, Any]) -> dict[str, Any]:
    """Turn numeric strings into numbers, in the row and in its action lists."""
    record: dict[str, Any] = {}
    for name, value in row.items():
        if name in _TEXT:
            record[name] = value
        elif name in _COUNTS:
            record[name] = int(value)
        elif isinstance(value, list):
            record[name] = [
                {key: item if key in _LABELS else Decimal(item) for key, item in entry.items()}
                for entry in value
            ]
        else:
            record[name] = Decimal(value)
    return record


def long_form(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Make a row of each amount in a record's action lists."""
    shared = {name: value for name, value in record.items() if not isinstance(value, list)}
    for metric, entries in record.items():
        if not isinstance(entries, list):
            continue
        for entry in entries:
            labels = {name: entry.get(name, "(none)") for name in _LABELS}
            for window, value in entry.items():
                if window not in _LABELS:
                    yield {
                        **shared,
                        "metric": metric,
                        **labels,
                        "attribution_window": "default" if window == "value" else window,
                        "value": value,
                    }


def main(url: str, calls: list[dict[str, Any]], *, by_amount: bool) -> int:
    """Make the calls one after another and return how many rows came, or amounts in them."""
    decode = msgspec.json.Decoder().decode
    encode = msgspec.json.Encoder(decimal_format="number").encode
    rows = 0
    session = requests.Session()
    session.headers["Authorization"] = "Bearer SANDBOX-TOKEN"
    with Path("/dev/null").open("wb") as out:
        for call in calls:
            answer = session.get(f"{url}{call['path']}", params=call["params"], timeout=300)
            rows_of = decode(answer.content)["data"] if "/insights" in call["path"] else ()
            for row in rows_of:
                record = typed(row)
                for each in long_form(record) if by_amount else (record,):
                    out.write(encode(each))
                    out.write(b"\n")
                    rows += 1
    return rows


if __name__ == "__main__":
    address, file, *how = sys.argv[1:]
    wanted = json.loads(Path(file).read_text(encoding="utf-8"))
    found = main(address, wanted, by_amount="by_amount" in how)
    sys.stdout.write(str(found))
