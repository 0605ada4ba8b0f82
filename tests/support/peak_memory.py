"""The most memory a process ever held, looked at while it runs.

What `wait4` tells of a process begins with the memory of its parent, of which it was forked.
"""

from __future__ import annotations

import re
import threading
import time
from contextlib import suppress
from pathlib import Path

_HIGH_WATER = re.compile(r"^VmHWM:\s*(\d+) kB", re.MULTILINE)
_LOOK_SECONDS = 0.02


class PeakMemory:
    """Looks now and then, in a thread of its own, until the process has ended.

    Attributes:
        bytes: the most that was seen.
    """

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._file = Path(f"/proc/{pid}/status")
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        # A process that has ended has a file without this line, and then none.
        with suppress(OSError):
            while found := _HIGH_WATER.search(self._file.read_text(encoding="utf-8")):
                self.bytes = max(self.bytes, int(found[1]) * 1024)
                time.sleep(_LOOK_SECONDS)
