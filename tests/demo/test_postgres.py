from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tap_meta_partner.demo.postgres import embedded_postgres, short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

as_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="needs the rights of root"
)
NOBODY = 65534


def modes_above(*paths: Path) -> dict[Path, int]:
    return {each: each.stat().st_mode for path in paths for each in (path, *path.parents)}


@as_root
def test_postgres__as_root_leaves_all_outside_its_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No user is added, and no folder is opened: neither above its data nor where it comes from."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(private))
    places = (private, Path(psycopg.__file__), Path(sys.executable))
    before = (modes_above(*places), Path("/etc/passwd").read_bytes())

    with embedded_postgres() as server:
        with psycopg.connect(server.uri) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        folder = Path(server.uri.partition("host=")[2])
        assert folder.stat().st_mode & 0o077 == 0

    assert (modes_above(*places), Path("/etc/passwd").read_bytes()) == before
    assert not folder.parent.exists()
    assert list(private.iterdir()) == []


@pytest.fixture
def theirs() -> Iterator[Path]:
    with short_folder() as folder:
        os.chown(folder, NOBODY, NOBODY)
        yield folder


@as_root
def test_postgres__as_another_user_leaves_nothing_behind(theirs: Path) -> None:
    """Not even a lock file in the temporary folder, over which two users would fall out."""
    # Python itself may lie where they cannot read: it changes hands when all is loaded.
    script = (
        "import encodings.idna, os, psycopg, tempfile\n"
        "from tap_meta_partner.demo.postgres import embedded_postgres\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "with embedded_postgres() as server, psycopg.connect(server.uri) as connection:\n"
        "    print(os.geteuid(), connection.execute('select 1').fetchone())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-B", "-c", script],
        cwd=theirs,
        env={**os.environ, "TMPDIR": str(theirs), "HOME": str(theirs)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.stdout, ended.returncode) == (f"{NOBODY} (1,)\n", 0), ended.stderr
    assert list(theirs.iterdir()) == []
