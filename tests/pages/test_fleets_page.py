"""The examples of docs/fleets/README.md that start a night without an engine do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "fleets" / "README.md").read_text(encoding="utf-8")
#: What stands in for Meltano: it writes down what it was told, and ends as it is told.
MELTANO = '#!/bin/sh\necho "$@" > told\necho "one line of a night"\nexit ${MELTANO_ENDS_WITH:-0}\n'


def block(language: str) -> str:
    """Return the page's one code block in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with programs that Meltano is one of."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "meltano").write_text(MELTANO)
    (programs / "meltano").chmod(0o755)
    return tmp_path


def night_by_cron(project: Path, ends_with: int) -> str:
    """Run the crontab's line as cron does: with its own variables alone; return what is mailed."""
    *settings, line = block("cron").replace("/opt/meta", str(project)).splitlines()
    variables = dict(setting.split("=", 1) for setting in settings)
    done = subprocess.run(
        ["/bin/sh", "-c", line.split(maxsplit=5)[5]],
        cwd="/",
        env={**variables, "HOME": "/", "MELTANO_ENDS_WITH": str(ends_with)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=0o022,
        check=False,
    )
    return done.stdout


def test_cron__a_good_night_is_silent_and_nobody_elses(project: Path) -> None:
    """No mail, the words in a log; what Meltano writes is readable by its user only."""
    assert night_by_cron(project, ends_with=0) == ""
    assert (project / "told").read_text() == "run tap-meta-partner target-postgres\n"
    assert (project / "load.log").read_text() == "one line of a night\n"
    for name in ("told", "load.log"):
        assert (project / name).stat().st_mode & 0o777 == 0o600


def test_cron__a_bad_night_is_mailed(project: Path) -> None:
    """Whatever cron's line prints is mailed: the end of the log, when the run failed."""
    assert night_by_cron(project, ends_with=1) == "one line of a night\n"


def test_cron__has_what_a_crontab_may_have() -> None:
    """Five fields of time, and no `%`, which cron takes for the end of the line."""
    line = block("cron").splitlines()[-1]

    assert all(re.fullmatch(r"[\d*/,-]+", each) for each in line.split()[:5])
    assert "%" not in line


def load_workflow() -> dict[str, Any]:
    return dict(yaml.safe_load(block("yaml")))


def test_actions__is_a_workflow(tmp_path: Path) -> None:
    """GitHub's own schema takes it."""
    path = tmp_path / "load.yml"
    path.write_text(block("yaml"), encoding="utf-8")
    schema = ["--builtin-schema", "vendor.github-workflows"]
    check = [str(Path(sys.executable).with_name("check-jsonschema")), *schema, str(path)]

    done = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout
    assert load_workflow()["permissions"] == {"contents": "read"}


def test_actions__has_the_same_pins_and_ranges_as_we() -> None:
    """The checkout is the commit our own workflows use, the packages are those of the tests."""
    checkout, install, _ = load_workflow()["jobs"]["load"]["steps"]
    ours = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ranges = re.findall(r'"[^"]+"', install["run"])

    assert checkout["uses"] in ours
    assert len(ranges) == 3
    assert [each for each in ranges if each not in pyproject] == []


def test_actions__runs_for_nobody_else_with_three_secrets(project: Path) -> None:
    """Its line runs Meltano, writes for its own user, and secrets come by the environment alone."""
    *_, load = load_workflow()["jobs"]["load"]["steps"]
    path = os.pathsep.join([str(project / ".venv" / "bin"), os.environ["PATH"]])

    subprocess.run(
        ["bash", "-ec", load["run"]], cwd=project, env={"PATH": path}, umask=0o022, check=True
    )

    assert (project / "told").read_text() == "run --force tap-meta-partner target-postgres\n"
    assert (project / "told").stat().st_mode & 0o777 == 0o600
    assert "secrets." not in load["run"]
    assert load["env"] == {name: f"${{{{ secrets.{name} }}}}" for name in load["env"]}
