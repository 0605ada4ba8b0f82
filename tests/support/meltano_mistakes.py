"""Mistakes typed into a Meltano project, where Meltano reads them before the tap does.

Its YAML makes a day of `01.09.2026` and a number of `28` if the setting's kind lets it. Each is
typed into this repository's own meltano.yml and run with `meltano invoke`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHECKOUT = Path(__file__).parents[2]
#: Where `config:` of the tap goes, and the lines that select.
_BELOW = "    executable: tap-meta-partner\n"
_SELECT = re.compile(r"^    select:\n(    - .*\n)+", re.MULTILINE)
_SAID = re.compile(r"\[(?:error|warning) +\] \S+ +(.*\S)")
_SUMMARY = "ad accounts: "
_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One of them.

    Attributes:
        config: a line of the tap's `config:`, as YAML.
        select: instead of what is selected.
        variable: a line of `.env`.
        says: what has to be printed.
        code: the exit code of Meltano.
    """

    says: str
    code: int = 1
    config: str = ""
    select: str = ""
    variable: str = ""

    @property
    def text(self) -> str:
        """What was typed."""
        return self.config or self.variable or f"select: [{self.select}]"


TYPED = (
    Typed(config="start_date: 01.09.2026", says='start_date is "01.09.2026"'),
    Typed(config="start_date: 1/9/2026", says='start_date is "1/9/2026"'),
    Typed(config="start_date: last month", says='start_date is "last month"'),
    Typed(config="date_preset: lifetime", says='date_preset is "lifetime"'),
    Typed(config="account_ids: one", says='account_ids is "one"'),
    Typed(config="lookback_days: 4 weeks", says='lookback_days is "4 weeks"'),
    Typed(config="access_token: <your token>", says="access_token"),
    Typed(select="ad_insight.*", says="nothing was read"),
    Typed(
        variable="TAP_META_PARTNER_LOOKBACK_DAY=7",
        says="did you mean TAP_META_PARTNER_LOOKBACK_DAYS?",
        code=0,
    ),
)


@dataclass(frozen=True, slots=True)
class Told:
    """The exit code, and the errors and warnings among what was printed; not the summary."""

    code: int
    lines: tuple[str, ...]
    printed: str


def play_in_meltano(folder: Path) -> list[Told]:
    """Play all of them against a sandbox, each in a project of its own within the folder."""
    with Sandbox(World.demo(seed=7, days=3)) as sandbox, ThreadPoolExecutor(2) as pool:
        return list(
            pool.map(
                lambda numbered: _played(folder / str(numbered[0]), numbered[1], sandbox),
                enumerate(TYPED),
            )
        )


def _played(folder: Path, typed: Typed, sandbox: Sandbox) -> Told:
    folder.mkdir()
    text = (_CHECKOUT / "meltano.yml").read_text(encoding="utf-8")
    config = f"{_BELOW}    config:\n      {typed.config}\n" if typed.config else _BELOW
    text = text.replace(_BELOW, config)
    if typed.select:
        text = _SELECT.sub(f"    select:\n    - {typed.select}\n", text)
    (folder / "meltano.yml").write_text(text, encoding="utf-8")
    variables = [typed.variable, f"TAP_META_PARTNER_API_URL={sandbox.url}"]
    if "access_token" not in typed.config:
        variables.append(f"TAP_META_PARTNER_ACCESS_TOKEN={sandbox.token}")
    (folder / ".env").write_text("\n".join([*variables, ""]), encoding="utf-8")
    (folder / ".env").chmod(0o600)
    done = subprocess.run(
        ["meltano", "invoke", "tap-meta-partner"],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    said = [line for line in _SAID.findall(done.stderr) if not line.startswith(_SUMMARY)]
    return Told(done.returncode, tuple(said), done.stderr)


def _environment() -> dict[str, str]:
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("TAP_META_PARTNER_", "TARGET_", "MELTANO_"))
    }
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": programs, "NO_COLOR": "1"}


def table(told: Sequence[Told]) -> str:
    """Make the second table of the page."""
    rows = [
        f"| `{each.text}` | {'<br>'.join(_own(found))} | {found.code} |"
        for each, found in zip(TYPED, told, strict=True)
    ]
    return "\n".join([_INTRODUCTION, *rows, ""])


_INTRODUCTION = f"""
## In a Meltano project

{len(TYPED)} of them typed into `meltano.yml` or `.env`, and run with `meltano invoke
tap-meta-partner`. Meltano hands settings on as they were typed. Beside what is shown
there is Meltano's routine, and a warning comes twice: Meltano asks the tap for its catalog before
it runs it.

| Typed | Printed | Exit code |
|---|---|---|"""


def _own(found: Told) -> list[str]:
    return [line.replace("|", "\\|").replace("<", "&lt;") for line in found.lines]
