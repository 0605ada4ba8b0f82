"""Private files, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path


class StoreError(Exception):
    """A token cannot be kept or found there; one line, with what to do and without the token."""


def replace_file(path: Path, text: str) -> None:
    """Write a file that only its owner reads, in one step: the old one stays until all is there.

    Raises:
        StoreError: it is as it was.
    """
    # A link stays a link: what it points at is replaced.
    path = path.resolve()
    try:
        # In a folder of its own, which git ignores whatever a project tells it: a process that is
        # killed here leaves a token behind. mkdtemp makes the folder 0700.
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=".meta-partner-"))
    except OSError as error:
        raise _not_written(path, error) from None
    try:
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        name = folder / path.name
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        # newline="" leaves the line ends as they are.
        with os.fdopen(
            descriptor, "w", encoding="utf-8", newline="", errors="surrogateescape"
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105  (the atomic one, by its name)
    except OSError as error:
        raise _not_written(path, error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk too; not all file systems can, and the file is written."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_text(path: Path) -> str | None:
    """Return what a file holds, or None where there is none."""
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            # A pipe would be waited for, and cannot be replaced.
            raise StoreError(f"{path} is not a file: name another place with --store.")
        with path.open(encoding="utf-8", newline="", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from None


def _not_written(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path} was not written and is as it was: {error.strerror or error}.")
