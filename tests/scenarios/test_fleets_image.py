"""docs/fleets/Dockerfile, line by line: there is no Docker here, so a folder stands for its root.

Each RUN is run by `sh`, each COPY takes what .dockerignore lets through, and the CMD of the result
loads a night. What only Docker could show is not shown: that the base image is there, and that its
Python is enough.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.dockerfile import Image, context, instructions
from tests.support.fleets import FLEETS, FOREIGN, ROOT, Fleet, new_fleet, untrue

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCKERFILE = (FLEETS / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8")
VERSION = "9.8.7"
#: What lies about in a folder where somebody works.
PLANTED = [
    ".env",
    ".env.prod",
    ".git/config",
    ".meltano/run/tap-meta-partner/tap.config.json",
    "config.json",
    "clients/acme.json",
    "dist/tap_meta_partner-1.tar.gz",
    "docs/fleets/.env",
    "docs/notes.md",
    "output/ads.jsonl",
    "state.json",
    "tap_meta_partner/.env",
    "tap_meta_partner/graph/__pycache__/client.cpython-313.pyc",
]


def files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def source_files() -> set[str]:
    """The files that an image is made of, out of this checkout."""
    folders = {f"{name}/{each}" for name in FOLDERS for each in files(ROOT / name)}
    return folders | {"pyproject.toml", "README.md", "LICENSE", "meltano.yml"}


FOLDERS = ("tap_meta_partner", "docs/fleets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An image, and what was there before anything ran in it."""

    image: Image
    files: set[str]


def new_image(home: Path, **arguments: str) -> Image:
    """Lay down the context, and an environment with pip alone, as the base image has it."""
    source, root = home / "context", home / "root"
    root.mkdir()
    for name in context(sorted(source_files()), IGNORED):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    subprocess.run([sys.executable, "-m", "venv", str(home / "python")], check=True)
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith((*FOREIGN, "PYTHON", "VIRTUAL_ENV", "SETUPTOOLS_SCM"))
    }
    return Image(
        root=root,
        source=source,
        environment={**kept, "PATH": f"{home}/python/bin:/usr/bin:/bin"},
        arguments=arguments,
    )


@pytest.fixture(scope="module")
def built() -> Iterator[Built]:
    """The image, every line of it carried out."""
    with tempfile.TemporaryDirectory() as folder:
        image = new_image(Path(folder), VERSION=VERSION)
        try:
            image.build(instructions(DOCKERFILE))
        except subprocess.CalledProcessError as error:
            pytest.fail(f"{error.cmd[-1]}\n{error.stdout[-2000:]}\n{error.stderr[-2000:]}")
        yield Built(image=image, files=files(image.root))


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What the image's own command did."""

    fleet: Fleet
    done: subprocess.CompletedProcess[str]
    untrue: list[str]
    written: set[str]


@pytest.fixture(scope="module")
def night(built: Built) -> Iterator[Night]:
    """One night of the image: prepare.py, then its CMD."""
    image = built.image
    with new_fleet() as fleet:
        for command in (["docs/fleets/prepare.py"], image.command):
            done = subprocess.run(
                [str(image.folder / command[0]), *command[1:]],
                cwd=image.folder,
                env={**fleet.environment, **image.environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        written = files(image.root) - built.files
        yield Night(fleet=fleet, done=done, untrue=untrue(fleet), written=written)


def test_context__holds_what_is_copied_and_nothing_that_lies_about() -> None:
    """No secret, no state and no scratch reaches a build, wherever in the folder it is."""
    names = sorted({*source_files(), *PLANTED})

    assert set(context(names, IGNORED)) == source_files()


def test_image__is_pinned_by_digest() -> None:
    """Tag and digest together: the one is for people, the other cannot be moved."""
    (base,) = [each.text for each in instructions(DOCKERFILE) if each.word == "FROM"]

    assert re.fullmatch(r"python:3\.13\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base)


def test_image__without_a_version__is_not_built(tmp_path: Path) -> None:
    """No image says that it is 0.1.0.dev0, as a build without git would."""
    image = new_image(tmp_path)

    with pytest.raises(subprocess.CalledProcessError) as failed:
        image.build(instructions(DOCKERFILE))

    assert "say --build-arg VERSION=" in failed.value.stderr


def test_image__holds_the_version_it_was_told(built: Built) -> None:
    """The tap of the image is what its tag says."""
    said = subprocess.run(
        ["tap-meta-partner", "--version"],
        env=built.image.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert VERSION in said.stdout


def test_image__holds_the_project_alone(built: Built) -> None:
    """The sources that it was built from are gone, and no secret came along."""
    assert built.files == {
        "project/meltano.yml",
        "project/docs/fleets/prepare.py",
        "project/docs/fleets/run_shard.sh",
        "project/docs/fleets/reshard.py",
    }
    assert built.image.user == "65532:65532"


def test_image__scratch_is_its_users_alone(built: Built) -> None:
    """Where the settings are written while a run lasts, nobody else looks."""
    found = (built.image.root / "scratch").stat()

    assert found.st_mode & 0o777 == 0o700
    assert found.st_uid == (65532 if os.geteuid() == 0 else os.geteuid())


def test_image__its_command_loads_the_truth(night: Night) -> None:
    """What the image runs by itself, with an environment and no more, loads every row once."""
    assert night.untrue == []
    assert "of 30 ad accounts" in night.done.stdout + night.done.stderr


def test_image__its_command_writes_to_scratch_only(night: Night) -> None:
    """With a root that can only be read, the same would have happened."""
    assert night.written
    assert {name.partition("/")[0] for name in night.written} == {"scratch"}
