"""How a change gets in and a release gets out: workflows, updates, what contributors run."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


def load(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in load(path)["jobs"].values():
        yield from job.get("steps", [])


@pytest.fixture(scope="module")
def release() -> dict[str, Any]:
    """The jobs that a tag starts."""
    return dict(load(GITHUB / "workflows" / "release.yml")["jobs"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow__actions_are_pinned_by_commit(path: Path) -> None:
    """A tag can be moved to other code, a commit cannot; beside it stands the version it is."""
    used = re.findall(r"uses: (?!\./)(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)

    assert used
    assert [
        line for line in used if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    ] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow__may_read_the_repository_and_no_more(path: Path) -> None:
    """No job inherits a right to write, and no checkout leaves its credentials on the disk."""
    assert load(path)["permissions"] == {"contents": "read"}
    checkouts = [
        each for each in steps(path) if each.get("uses", "").startswith("actions/checkout@")
    ]
    assert checkouts
    assert all(each["with"]["persist-credentials"] is False for each in checkouts)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow__knows_no_secret(path: Path) -> None:
    """Publishing is trusted by identity (OIDC): there is no token that could be stolen."""
    text = path.read_text(encoding="utf-8")

    assert "secrets." not in text
    assert "password:" not in text


def test_release__publishes_what_was_tested_and_built(release: dict[str, Any]) -> None:
    """Tests first, then one build, then its very files; only the last job can prove who it is."""
    assert (release["build"]["needs"], release["publish"]["needs"]) == ("test", "build")
    assert release["publish"]["permissions"] == {"id-token": "write", "attestations": "write"}
    assert not [name for name in ("test", "build") if "permissions" in release[name]]
    kinds = [each["uses"].partition("@")[0] for each in release["publish"]["steps"]]
    assert kinds == [
        "actions/download-artifact",
        "actions/download-artifact",
        "actions/attest",
        "pypa/gh-action-pypi-publish",
    ]


def test_release__says_what_is_in_its_files_and_who_made_them(release: dict[str, Any]) -> None:
    """The list of packages is signed for the files that are published, and these are attested."""
    uploaded = {
        each["with"]["name"]: each["with"]["path"]
        for each in release["build"]["steps"]
        if each.get("uses", "").startswith("actions/upload-artifact@")
    }
    *_, attest, publish = release["publish"]["steps"]

    assert uploaded == {"dist": "dist/", "sbom": attest["with"]["sbom-path"]}
    assert attest["with"]["subject-path"] == "dist/*"
    assert publish["with"] == {"attestations": True}


def test_release__checks_its_files_before_they_go_on(release: dict[str, Any]) -> None:
    """The tag's version and `twine check` come before the upload."""
    commands = [each.get("run", each.get("uses", "")) for each in release["build"]["steps"]]
    places = [
        next(place for place, command in enumerate(commands) if word in command)
        for word in (
            "--require-hashes",
            "uv build",
            "${TAG#v}",
            "twine check --strict",
            "upload-artifact",
        )
    ]

    assert places == sorted(places)


def test_updates__wait_a_week(release: dict[str, Any]) -> None:
    """Dependabot lets others find broken and malicious releases, of whatever kind."""
    updates = load(GITHUB / "dependabot.yml")["updates"]

    assert {each["package-ecosystem"] for each in updates} == {"uv", "github-actions", "docker"}
    assert all(each["cooldown"]["default-days"] >= 7 for each in updates)
    assert release["test"]["uses"].endswith("/test.yml")  # so an update of either is tested first


def test_hooks__of_others_are_pinned_by_commit() -> None:
    """What runs before each commit cannot be changed from outside either."""
    repositories = load(ROOT / ".pre-commit-config.yaml")["repos"]
    revisions = [each["rev"] for each in repositories if each["repo"] != "local"]

    assert revisions
    assert all(re.fullmatch(r"[0-9a-f]{40}", each) for each in revisions)


def test_contributing__has_commands_that_are_there() -> None:
    """Install, test, check, try: each program named is one that the first line installs."""
    text = (GITHUB / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    first, *lines = block.splitlines()
    programs = re.findall(r"uv run (\S+)", block)

    assert first.startswith("uv sync --group dev ")
    assert len(lines) == 3
    assert all(line.startswith("uv run ") for line in lines)
    assert {"pytest", "ruff", "mypy", "lint-imports", "meta-partner"} == set(programs)
    here = str(Path(sys.executable).parent)
    assert [name for name in programs if shutil.which(name, path=here) is None] == []
