"""Failures on request: the next calls of some kind go wrong in a chosen way."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from threading import Lock
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.protocol.errors import ErrorBody

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Ways to spoil an answer besides an error code.
#:
#: delay: after `seconds`; drip: in small pieces over `seconds`; redirect: to another host;
#: empty_page: a page without rows whose `next` leads to the rows; null_item: a batch item not run.
EFFECTS = frozenset(
    {
        "html_500",
        "html_502",
        "html_503",
        "html_200",
        "truncated_json",
        "invalid_json",
        "empty_200",
        "reset",
        "reset_mid_body",
        "delay",
        "drip",
        "redirect",
        "empty_page",
        "null_item",
    }
)
#: The HTTP status of effects that replace the whole answer; 0 = none was sent.
SENT_STATUS = {
    "html_500": 500,
    "html_502": 502,
    "html_503": 503,
    "html_200": 200,
    "redirect": 302,
    "reset": 0,
}
#: What may become of a report run.
FATES = frozenset(
    {"failed", "skipped", "stuck_0", "stuck_99", "100_but_running", "unreadable", "expired"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failure to come: which calls it meets, and what it does to them.

    It meets calls of `kind` ("*" = any), of `account_id` and of the 1-based `page` of a cursor
    chain (None = any), lets the first `after` of them pass and spoils `times` (None = all from
    then on). It does one of four things: an error (`code`, `subcode`, `message`, `status`,
    `is_transient`, and for people `title` and `user_message`), an `effect`, a whole `body` as it
    is to be sent (with `status`; bytes that are no UTF-8 as surrogates), or a `fate` for the report
    run that is created (with `code`, `subcode` and `message` when it is to fail, and `reads`, how
    often an unreadable run refuses to be read).
    """

    kind: str = "*"
    account_id: str | None = None
    page: int | None = None
    times: int | None = 1
    after: int = 0
    code: int | None = None
    subcode: int | None = None
    message: str = "(injected fault)"
    status: int = 400
    is_transient: bool | None = None
    title: str | None = None
    user_message: str | None = None
    effect: str | None = None
    body: str | None = None
    seconds: float = 0.0
    fate: str | None = None
    reads: int = 2

    def __post_init__(self) -> None:
        if self.effect is not None and self.effect not in EFFECTS:
            raise ValueError(f"effect {self.effect!r} is not one of {', '.join(sorted(EFFECTS))}")
        if self.fate is not None and self.fate not in FATES:
            raise ValueError(f"fate {self.fate!r} is not one of {', '.join(sorted(FATES))}")
        if self._does_nothing:
            raise ValueError("a fault needs a code, an effect, a body or a fate")

    @property
    def whole_body(self) -> bytes | None:
        """The bytes it answers with, whatever was asked; None where it does something else."""
        return None if self.body is None else self.body.encode("utf-8", "surrogateescape")

    @property
    def _does_nothing(self) -> bool:
        return all(did is None for did in (self.code, self.effect, self.body, self.fate))

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Fault:
        """Return the fault a control request describes; keys are the fields' names."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(value) - known)
        if unknown:
            raise ValueError(f"unknown keys {unknown}; known are {sorted(known)}")
        return cls(**value)  # type: ignore[arg-type]

    @property
    def error(self) -> ErrorBody | None:
        """The error it answers with, unless it has an effect or a fate."""
        if self.code is None or self.fate is not None:
            return None
        return ErrorBody(
            self.code,
            self.message,
            subcode=self.subcode,
            status=self.status,
            is_transient=self.is_transient,
            user_title=self.title,
            user_message=self.user_message,
        )

    def meets(self, kind: str, account_id: str | None, page: int) -> bool:
        """Tell whether a call is one of those it is about."""
        return (
            self.kind in {"*", kind}
            and self.account_id in {None, account_id}
            and self.page in {None, page}
        )


class FaultPlan:
    """The failures still to come, in the order they were asked for."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = list(faults)
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        """Append a failure."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._faults.clear()

    def take(self, kind: str, account_id: str | None, page: int) -> Fault | None:
        """Return the failure this call meets, which is used up by one."""
        with self._lock:
            for position, fault in enumerate(self._faults):
                if not fault.meets(kind, account_id, page):
                    continue
                if fault.after:
                    self._faults[position] = replace(fault, after=fault.after - 1)
                    continue
                if fault.times is not None:
                    left = fault.times - 1
                    if left:
                        self._faults[position] = replace(fault, times=left)
                    else:
                        del self._faults[position]
                return fault
        return None
