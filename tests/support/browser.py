"""A real browser without a window: Chromium, as Debian and others package it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 60
_PROGRAM = next((found for found in map(shutil.which, _NAMES) if found), None)

needs_chromium = pytest.mark.skipif(
    _PROGRAM is None,
    reason="Chromium is not installed (Debian: apt-get install chromium); pages are not looked at",
)


def document(address: str, folder: Path, *options: str) -> str:
    """Open an address, follow it to its end, and return the document that is shown.

    Args:
        address: what to open.
        folder: for the browser's own files, a new one.
        options: further options of Chromium's.
    """
    return _run(["--dump-dom", *options, address], folder)


def picture(address: str, folder: Path, *options: str) -> Path:
    """Open an address and return a picture (PNG) of what is shown."""
    file = folder / "shown.png"
    _run([f"--screenshot={file}", "--window-size=900,700", *options, address], folder)
    return file


def _run(options: Sequence[str], folder: Path) -> str:
    # As root Chromium runs without its sandbox only; it opens nothing but our own pages.
    usual = ("--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--no-first-run")
    command = [str(_PROGRAM), *usual, f"--user-data-dir={folder / 'profile'}", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_SECONDS, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout
