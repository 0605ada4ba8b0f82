"""Lines that the SDK logs for each stream of every run: shown at DEBUG only.

Its metrics would be wrong besides: one stream leads and writes the rows of all, so the SDK counts
none of theirs. The tap's own summary has rows, calls and times.
"""

from __future__ import annotations

import logging

from singer_sdk.metrics import METRICS_LOGGER_NAME

#: How the SDK's lines begin (singer-sdk 0.54.9: `PluginBase`, `Tap.sync_all`, `Stream`).
_ROUTINE = (
    "Skipping parse of env var settings",
    "Beginning sync of '",
    "Skipping deselected stream '",
)


def hush_routine_lines(logger: logging.Logger) -> None:
    """Leave the SDK's routine lines out of a logger, unless it shows DEBUG.

    Args:
        logger: the tap's, or a stream's own, which the SDK logs to.
    """
    if not any(isinstance(each, _NotRoutine) for each in logger.filters):
        logger.addFilter(_NotRoutine(logger))
    metrics = logging.getLogger(METRICS_LOGGER_NAME)
    if not any(isinstance(each, _NotRoutine) for each in metrics.filters):
        metrics.addFilter(_NotRoutine(logger, everything=True))


class _NotRoutine(logging.Filter):
    """Passes what is no routine line, and everything where its logger shows DEBUG."""

    def __init__(self, shown_by: logging.Logger, *, everything: bool = False) -> None:
        super().__init__()
        self._shown_by = shown_by
        self._everything = everything

    def filter(self, record: logging.LogRecord) -> bool:
        if self._shown_by.isEnabledFor(logging.DEBUG) or record.levelno > logging.INFO:
            return True
        return not self._everything and not record.getMessage().startswith(_ROUTINE)
