"""A Dockerfile read as Docker reads it, and its context, where there is no Docker to build it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Folders of the image that COPY, ENV or RUN name.
_OURS = re.compile(r"(?<![\w.:/])/(source|project|scratch)\b")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its word, and what follows on the line and its continuations."""

    word: str
    text: str


def instructions(dockerfile: str) -> list[Instruction]:
    """Read a Dockerfile: without comments, continued lines joined."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [Instruction(word, text.strip()) for word, text in found]


def context(names: Iterable[str], dockerignore: str) -> list[str]:
    """Return the files that reach a build: the last pattern that matches decides."""
    lines = [line.strip() for line in dockerignore.splitlines()]
    patterns = [line for line in lines if line and not line.startswith("#")]

    def is_sent(name: str) -> bool:
        sent = True
        for pattern in patterns:
            if _matches(pattern.removeprefix("!"), name):
                sent = pattern.startswith("!")
        return sent

    return [name for name in names if is_sent(name)]


def _matches(pattern: str, name: str) -> bool:
    """Whether a pattern matches a file or one of the folders it lies in."""
    wild = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*|\?)", pattern)
    expression = "".join(wild.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(f"{expression}(?:/.*)?", name) is not None


@dataclass(slots=True)
class Image:
    """What the instructions make, in a folder that stands for the image's root.

    There are no walls: absolute paths of the image become paths below the folder, and `pip` is the
    one on the PATH of `environment`. Each RUN is run by `sh`, as Docker does.

    Attributes:
        root: the folder.
        source: the context.
        environment: what ENV and ARG set, and where programs are.
        arguments: what `--build-arg` says.
        user, folder, command: what USER, WORKDIR and CMD said.
    """

    root: Path
    source: Path
    environment: dict[str, str]
    arguments: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    folder: Path = Path()
    command: list[str] = field(default_factory=list)

    def build(self, steps: Iterable[Instruction]) -> None:
        """Carry out every instruction.

        Raises:
            subprocess.CalledProcessError: a RUN failed.
            ValueError: an instruction that this does not know.
        """
        for step in steps:
            known = getattr(self, f"_{step.word.lower()}", None)
            if known is None:
                raise ValueError(step)
            known(step.text)

    def inside(self, text: str) -> str:
        """Return the text with the image's paths below the folder."""
        return _OURS.sub(lambda match: f"{self.root}/{match[1]}", text)

    def _from(self, text: str) -> None:
        """Nothing to do: what the base brings is in the environment."""

    def _arg(self, text: str) -> None:
        name, _, default = text.partition("=")
        if value := self.arguments.get(name, default):
            self.environment[name] = value

    def _env(self, text: str) -> None:
        for pair in shlex.split(text):
            name, _, value = pair.partition("=")
            self.environment[name] = self.inside(value)

    def _copy(self, text: str) -> None:
        *names, target = shlex.split(text)
        to = Path(self.inside(target))
        for name in names:
            path = self.source / name
            if path.is_dir():
                shutil.copytree(path, to, dirs_exist_ok=True)
            else:
                to.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, to)

    def _run(self, text: str) -> None:
        line = self.inside(text)
        if os.geteuid() != 0:  # only root may give a file away
            line = re.sub(r"chown \d+:\d+", f"chown {os.geteuid()}:{os.getegid()}", line)
        subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )

    def _user(self, text: str) -> None:
        self.user = text

    def _workdir(self, text: str) -> None:
        self.folder = Path(self.inside(text))
        self.folder.mkdir(parents=True, exist_ok=True)

    def _cmd(self, text: str) -> None:
        self.command = json.loads(text)
