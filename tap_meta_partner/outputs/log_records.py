"""Every record of every logger, made safe to write: no secrets and no control characters.

It is done where records are made, so it depends on no level, handler or formatter, nor on whose
logger it is: urllib3 logs whole addresses at WARNING when a header is malformed, and a user's own
log configuration can turn on what we would rather keep quiet.
"""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

from tap_meta_partner.outputs.printable import printable
from tap_meta_partner.outputs.secrecy import redacted

if TYPE_CHECKING:
    from typing import Any


def guard_logs() -> None:
    """Make all log records of this process safe from now on; calling it again changes nothing."""
    make = logging.getLogRecordFactory()
    if isinstance(make, _Guarded):
        return
    logging.setLogRecordFactory(_Guarded(make))


class _Guarded:
    """Makes records with another factory, then cleans them."""

    def __init__(self, make: Any) -> None:  # noqa: ANN401  (a class, or any callable)
        self._make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401  (as given)
        record: logging.LogRecord = self._make(*args, **kwargs)
        said = _said(record)
        fit = printable(redacted(said))
        if fit != said:
            record.msg, record.args = fit, ()
        if record.name.startswith("urllib3."):
            # A malformed header is a warning with a traceback of its own; its text says it all.
            record.exc_info = None
        if record.exc_info and record.exc_info[1] is not None:
            _go_over_exception(record, record.exc_info[1])
        if record.stack_info:
            record.stack_info = _lines_fit(record.stack_info)
        return record


def _said(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  (arguments that do not fit: logging itself would print them)
        record.msg, record.args = f"{record.msg} {record.args!r}", ()
        return str(record.msg)


def _go_over_exception(record: logging.LogRecord, error: BaseException) -> None:
    """Replace an exception whose text, or that of its cause, is not safe to write."""
    text = "".join(traceback.format_exception(error))
    if _lines_fit(text) == text:
        return
    stand_in = _stand_in(error)
    record.exc_info = (type(stand_in), stand_in, error.__traceback__)


def _stand_in(error: BaseException) -> BaseException:
    """Return an exception with the same name and traceback and a safe text."""
    kind = type(type(error).__name__, (Exception,), {"__module__": type(error).__module__})
    made: BaseException = kind(_lines_fit(str(error))).with_traceback(error.__traceback__)
    made.__suppress_context__ = error.__suppress_context__
    if error.__cause__ is not None:
        made.__cause__ = _stand_in(error.__cause__)
    elif error.__context__ is not None and not error.__suppress_context__:
        made.__context__ = _stand_in(error.__context__)
    return made


def _lines_fit(text: str) -> str:
    return "\n".join(printable(line) for line in redacted(text).split("\n"))
