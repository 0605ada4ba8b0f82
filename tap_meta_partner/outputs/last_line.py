"""How a process ends at worst: with one line, not with a traceback.

Outputs can be closed or full, and some mistakes nobody has foreseen.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tap_meta_partner.outputs.log_records import guard_logs
from tap_meta_partner.outputs.printable import printable
from tap_meta_partner.outputs.secrecy import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

logger = logging.getLogger(__name__)

_LONGEST_TEXT = 300


@contextlib.contextmanager
def one_line_at_worst() -> Iterator[None]:
    """Run a command to its end: what it cannot write, or did not foresee, is one line and code 1.

    Raises:
        SystemExit: as the command does, or 1.
    """
    guard_logs()
    if sys.stderr is None:
        # Closed: there is nobody to tell, and everything else goes its way.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (till the end)
    if sys.stdout is None:
        _tell("nothing can be written: stdout is closed")
        raise SystemExit(1)
    try:
        try:
            yield
        finally:
            _flush_stderr()
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough, as `head` has.
        _let_go()
        raise SystemExit(1) from None
    except OSError as error:
        _tell(f"stopped, as something cannot be read or written: {error.strerror or error}")
        _let_go()
        raise SystemExit(1) from None
    except Exception as error:
        logger.debug("unexpected", exc_info=error)
        _tell(f"stopped by an unexpected {type(error).__name__}: {error}", "Please report it.")
        raise SystemExit(1) from None


def _tell(what: str, advice: str = "") -> None:
    text = printable(redacted(what))[:_LONGEST_TEXT]
    with contextlib.suppress(OSError):
        sys.stderr.write(f"Error: {text}{'. ' if advice else ''}{advice}\n")
    _flush_stderr()


def _flush_stderr() -> None:
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        _let_go(sys.stderr)


def _let_go(stream: TextIO | None = None) -> None:
    """Drop what is still buffered: Python would try, and fail, to write it when it exits."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), (stream or sys.stdout).fileno())
