"""Ending early without leaving anything behind."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import NoReturn

_SIGNAL_EXIT = 128


@contextlib.contextmanager
def ending_orderly() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that everything started is stopped."""
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(_SIGNAL_EXIT + number)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals back while a server starts or stops: cut in half, it would be left running."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals only ever come to the main thread
        return
    held: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: held.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])
