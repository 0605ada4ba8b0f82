#!/usr/bin/env python3
"""Pin what a release is built with, by version and hash: `.github/release-tools.txt`.

Run it with uv and Python 3.11 or newer, look at what changed, and commit:

    .github/pin_release_tools.py && git diff --stat

What is wanted stands in pyproject.toml (`build-system.requires` and the dependency group
`release`); this writes down which files of it are taken, with all that these need in turn. Packages
come from wherever this machine's uv takes them, and no address of that is written.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / ".github" / "release-tools.txt"
HEADING = """\
# What a release is built and checked with. Written by .github/pin_release_tools.py: do not edit.
"""
COMPILE = [
    *("uv", "pip", "compile", "-", "--quiet", "--generate-hashes"),
    # Whoever wants to build the same files may have another Python or system than the release job.
    *("--universal", "--python-version", "3.10"),
    # Let others find the broken and the malicious releases, as for Dependabot.
    *("--exclude-newer", "7 days"),
    # Neither a command of this machine nor an address.
    *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
]


def wanted() -> list[str]:
    """Return the requirements of a release, as pyproject.toml has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [*project["build-system"]["requires"], *project["dependency-groups"]["release"]]


def main() -> None:
    """Write the file anew."""
    done = subprocess.run(  # noqa: S603  (a fixed command)
        COMPILE,
        cwd=ROOT,
        input="\n".join(wanted()),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit("nothing was written: uv could not pin the tools (its reason is above)")
    PINS.write_text(HEADING + done.stdout, encoding="utf-8")


if __name__ == "__main__":
    main()
