"""The picture of the demo in the README: `uv run python -m tests.support.demo_picture`.

It takes a minute: the demo's own two runs, Meltano and PostgreSQL included, at a fixed time.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from tap_meta_partner.demo.play import DAYS, Stage, first_run, second_run
from tap_meta_partner.sandbox import World
from tests.support.pipeline import pipeline, set_clock

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "demo.svg"
NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.timezone.utc)
_WIDTH = 92
_TITLE = "meta-partner demo"
#: As rich's own, but for the font: a picture in a README may not load one from elsewhere.
_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
#: How long a step took, an element of its own.
_DURATION = re.compile(r"<text[^>]*>[^<]*\d+\.\d&#160;s[^<]*</text>")


def drawn() -> str:
    """Play the demo at a fixed time; return its second run as SVG.

    The second run is the one to show: Meta has corrected its numbers, rows change in place.
    """
    world = World.demo(seed=7, days=DAYS, now=lambda: NOW)
    since = NOW.date() - dt.timedelta(days=DAYS - 1)
    settings = {
        "TAP_META_PARTNER_BUSINESS_ID": world.business.id,
        "TAP_META_PARTNER_START_DATE": since.isoformat(),
    }
    out = Console(
        record=True, file=io.StringIO(), width=_WIDTH, color_system="truecolor", highlight=False
    )
    with pipeline(world, settings) as started:
        set_clock(started.project, NOW)
        stage = Stage(
            out=out,
            world=world,
            sandbox=started.sandbox,
            postgres=started.postgres,
            connection=started.connection,
            project=started.project,
            since=since,
            says_how_far=False,
        )
        first_run(stage)
        out.export_text(clear=True)
        second_run(stage)
    svg = out.export_svg(title=_TITLE, theme=MONOKAI, code_format=_SVG, unique_id="demo")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


def without_durations(svg: str) -> str:
    """Return a picture without what differs from machine to machine: how long each step took."""
    return _DURATION.sub("", svg)


def main() -> None:
    """Draw the picture anew."""
    PICTURE.write_text(drawn(), encoding="utf-8")


if __name__ == "__main__":
    main()
