"""Batch calls: many calls in one request, each of which counts as a call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from tap_meta_partner.sandbox.protocol.errors import invalid_parameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.sandbox.protocol.calls import Answer, GraphCall

MAX_BATCH = 50


def answer_batch(call: GraphCall, answer: Callable[[GraphCall], Answer]) -> list[object]:
    """Return the answers to a batch's items in their order; null = not run, to be sent again."""
    try:
        items = json.loads(call.params.get("batch", ""))
    except ValueError:
        items = None
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise invalid_parameter("batch parameter must be a JSON array")
    if len(items) > MAX_BATCH:
        raise invalid_parameter(f"Too many requests in batch; maximum is {MAX_BATCH}")
    return [_wrapped(answer(_inner_call(call, item))) for item in items]


def _inner_call(outer: GraphCall, item: Mapping[str, str]) -> GraphCall:
    """Return an item as a call of its own, with the batch's token and proof unless it has some."""
    url = urlsplit(item.get("relative_url", ""))
    params = dict(parse_qsl(url.query)) | dict(parse_qsl(item.get("body", "")))
    if "appsecret_proof" not in params:
        proof = ("appsecret_proof", "appsecret_time")
        params |= {name: outer.params[name] for name in proof if name in outer.params}
    return replace(
        outer,
        method=item.get("method", "GET").upper(),
        path="/" + url.path.lstrip("/"),
        params=params,
        token=params.get("access_token") or outer.token,
    )


def _wrapped(answer: Answer) -> object:
    if answer.fault is not None and answer.fault.effect == "null_item":
        return None
    # The usage headers of a batch stand inside each of its answers.
    headers = [{"name": name, "value": value} for name, value in answer.headers.items()]
    return {"code": answer.status, "headers": headers, "body": answer.body.decode()}
