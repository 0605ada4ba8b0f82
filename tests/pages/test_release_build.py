"""The release job's own commands, run here: tools by hash, the same bytes twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / ".github" / "release-tools.txt"
TAG = "v9.8.7"
#: How pip and uv word it that there is no way out to a package index.
OFFLINE = re.compile(
    r"connection (error|refused|broken)|dns error|name resolution|network is unreachable"
    r"|failed to fetch|Max retries exceeded",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Pin:
    """One tool: which version, where it applies, which files it may be."""

    requirement: Requirement
    hashes: list[str]


def pins() -> list[Pin]:
    """Read the file as pip reads it: an entry goes on where a line ends with a backslash."""
    text = PINS.read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            words, *hashes = line.split(" --hash=")
            found.append(Pin(Requirement(words), [each.strip() for each in hashes]))
    return found


def wanted() -> list[Requirement]:
    """What pyproject.toml says a release is built and checked with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    build, release = project["build-system"]["requires"], project["dependency-groups"]["release"]
    return [Requirement(each) for each in (*build, *release)]


def run(
    command: Sequence[str | Path], folder: Path, umask: int = 0o022, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command; where it failed for want of a network, leave the test out."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **variables},
        capture_output=True,
        text=True,
        umask=umask,
        timeout=300,
        check=False,
    )
    if done.returncode and OFFLINE.search(done.stdout + done.stderr):
        pytest.skip("no package index can be reached")
    return done


# The pins


def test_pins__are_exact_versions_with_hashes_and_nothing_else() -> None:
    """Each entry is one version of one tool with SHA-256 sums: no option, no address."""
    text = PINS.read_text(encoding="utf-8")

    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=sha256:)", text, re.MULTILINE)
    assert pins()
    for pin in pins():
        (specifier,) = pin.requirement.specifier
        assert specifier.operator == "=="
        assert Version(specifier.version)
        assert pin.hashes
        assert [each for each in pin.hashes if not re.fullmatch(r"sha256:[0-9a-f]{64}", each)] == []


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_pins__are_what_pyproject_wants(requirement: Requirement) -> None:
    """Builder, its plug-in, uv and twine are pinned to versions that pyproject.toml allows."""
    versions = [
        next(iter(pin.requirement.specifier)).version
        for pin in pins()
        if canonicalize_name(pin.requirement.name) == canonicalize_name(requirement.name)
    ]

    assert versions
    assert [each for each in versions if each not in requirement.specifier] == []


def test_pins__pip_takes_them_by_hash(tmp_path: Path) -> None:
    """The release job's own command finds every file, with its hash, and needs no other."""
    command = step_of_build("--require-hashes --only-binary")
    dry = command.replace("pip install", "pip install --dry-run --quiet --ignore-installed")
    assert dry != command
    pinned = tmp_path / ".github"
    pinned.mkdir()
    shutil.copy(PINS, pinned)

    right = run(["bash", "-ec", dry], tmp_path, PATH=with_our_python(tmp_path))
    spoilt = PINS.read_text(encoding="utf-8").replace("sha256:", "sha256:0000")
    (pinned / PINS.name).write_text(re.sub(r"(sha256:.{64}).{4}", r"\1", spoilt), encoding="utf-8")
    wrong = run(["bash", "-ec", dry], tmp_path, PATH=with_our_python(tmp_path))

    assert right.returncode == 0, right.stderr
    assert wrong.returncode != 0
    assert "DO NOT MATCH THE HASHES" in wrong.stderr


# The build


def step_of_build(words: str) -> str:
    """Return the one command of the build job that has these words."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["build"]["steps"]
    (command,) = [each["run"] for each in steps if words in each.get("run", "")]
    return str(command)


def with_our_python(folder: Path) -> str:
    """Return a PATH on which `python3` and uv are those of the tests."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    ours = {"python3": sys.executable, "uv": shutil.which(os.environ.get("UV", "uv"))}
    for name, program in ours.items():
        if program is None:
            pytest.skip(f"building needs {name}")
        wrapper = programs / name
        wrapper.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
        wrapper.chmod(0o755)
    beside = Path(sys.executable).parent
    return os.pathsep.join([str(programs), str(beside), os.environ["PATH"]])


def checkout(folder: Path, umask: int) -> Path:
    """Lay down what git keeps of this checkout as a tagged commit, with the rights of a umask."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"]
    listed = run([*listing, "--exclude-standard"], ROOT).stdout.split("\0")
    folder.mkdir()
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    when = "2026-01-02T03:04:05+00:00"
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "all"]):
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        done = run([*git, *command], folder, **dates)
        assert done.returncode == 0, done.stderr
    assert run([*git, "tag", TAG], folder).returncode == 0
    cloned = folder.with_name(f"{folder.name}-cloned")
    clone = ["git", "clone", "--quiet", folder, cloned]
    assert run(clone, folder, umask=umask).returncode == 0
    return cloned


def released(folder: Path, umask: int, **variables: str) -> Path:
    """Build a release as the job does; return the folder of its files."""
    home = checkout(folder, umask)
    other = folder.with_name(f"{folder.name}-temp")
    other.mkdir()
    done = run(
        ["bash", "-ec", step_of_build("uv build")],
        home,
        umask=umask,
        PATH=with_our_python(other),
        RUNNER_TEMP=str(other),
        **variables,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "dist"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a release."""
    return released(tmp_path_factory.mktemp("release") / "here", umask=0o022)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("tap_meta_partner-*")}


def test_build__has_the_tags_version(dist: Path) -> None:
    """The job's own look at the names agrees."""
    looked = run(["bash", "-ec", step_of_build("${TAG#v}")], dist.parent, TAG=TAG)

    assert looked.returncode == 0, looked.stderr
    assert len(contents(dist)) == 2


def test_build__is_the_same_bytes_elsewhere(
    dist: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Another folder, time zone, language and umask make the same wheel and the same sdist."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "quite" / "another"
    elsewhere.parent.mkdir()
    other = released(elsewhere, umask=0o077, TZ="Pacific/Auckland", LC_ALL="C", PYTHONHASHSEED="7")

    assert contents(other) == contents(dist)


def test_build__is_what_the_job_checks_it_to_be(dist: Path, tmp_path: Path) -> None:
    """`twine check` is content, by the pinned twine's rules."""
    command = step_of_build("twine check")

    done = run(["bash", "-ec", command], dist.parent, PATH=with_our_python(tmp_path))

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == 2


def test_list_of_parts__names_what_an_installation_brings(dist: Path, tmp_path: Path) -> None:
    """CycloneDX, each package with its version; what only tests and linters need is not in it."""
    command = step_of_build("cyclonedx")

    done = run(["bash", "-ec", command], dist.parent, PATH=with_our_python(tmp_path))

    assert done.returncode == 0, done.stderr
    parts = json.loads((dist.parent / "sbom.cdx.json").read_text(encoding="utf-8"))
    versions = {each["name"]: each.get("version") for each in parts["components"]}
    assert parts["bomFormat"] == "CycloneDX"
    assert {"singer-sdk", "requests", "urllib3", "tzdata"} <= set(versions)
    assert all(versions.values())
    assert not {"pytest", "ruff", "werkzeug", "meltano", "apache-airflow-core"} & set(versions)
