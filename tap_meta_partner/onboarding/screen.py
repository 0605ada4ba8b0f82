"""Facts and tables on a screen: rich where a terminal is attached, plain text elsewhere."""

from __future__ import annotations

import importlib
import io
import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_meta_partner.onboarding.saying import fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, TextIO, TypeAlias


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are."""

    title: str
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A table."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Notes:
    """Marked lines (error:, warning: …), with what to do below."""

    title: str
    items: Sequence[tuple[str, str, str]]


Part: TypeAlias = "Facts | Listing | Notes"


_STYLES = {"error:": "bold red", "warning:": "yellow"}


_BAD_WORDS = frozenset({"no", "DISABLED", "CLOSED", "UNSETTLED"})


def show(parts: Iterable[Part], out: TextIO) -> None:
    """Show the parts, one below the other."""
    if isinstance(out, io.TextIOWrapper):
        # A screen that cannot print a client's name prints a question mark.
        out.reconfigure(errors="replace")
    rich = _rich() if out.isatty() else None
    for part in map(_clean, parts):
        if rich is None or _is_too_wide(part, rich.width):
            out.write("\n".join(plain(part)) + "\n\n")
        else:
            rich.print(_drawn(part))
            rich.print()


def _is_too_wide(part: Part, width: int) -> bool:
    """Tell whether a table would have to break its ids and words to fit between its borders."""
    if not isinstance(part, Listing):
        return False
    borders = 3 * len(part.columns) + 1
    return max(map(_width, _columns(part))) - 2 * len(part.columns) + borders > width


def _clean(part: Part) -> Part:
    """Take out what would do something to a terminal: names come from outside."""
    if isinstance(part, Facts):
        return Facts(part.title, [(name, fit(text)) for name, text in part.lines])
    if isinstance(part, Notes):
        return Notes(part.title, [tuple(map(fit, item)) for item in part.items])  # type: ignore[misc]
    return Listing(part.title, part.columns, [tuple(map(fit, row)) for row in part.rows])


def plain(part: Part) -> list[str]:
    """Return a part as lines without colours and drawings."""
    lines = [part.title]
    if isinstance(part, Facts):
        width = max((_width(name) for name, _ in part.lines), default=0)
        lines += [f"  {_padded(name, width)}  {text}" for name, text in part.lines]
    elif isinstance(part, Notes):
        for mark, what, advice in part.items:
            lines.append(f"  {mark} {what}")
            if advice:
                lines.append(f"    do: {advice}")
    else:
        lines += _columns(part)
    return lines


def _columns(listing: Listing) -> list[str]:
    table = [listing.columns, *listing.rows]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    return ["  " + "  ".join(map(_padded, row, widths)).rstrip() for row in table]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Return how many columns a text takes: those of East Asia take two for a character."""
    return sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _rich() -> Any:  # noqa: ANN401  (an extra; without it everything is plain)
    try:
        return importlib.import_module("rich.console").Console(file=sys.stdout, highlight=False)
    except ModuleNotFoundError:
        return None


def _drawn(part: Part) -> Any:  # noqa: ANN401  (something rich can print)
    table_of = importlib.import_module("rich.table").Table
    escape = importlib.import_module("rich.markup").escape
    table = table_of(
        title=escape(part.title),
        title_justify="left",
        title_style="bold",
        show_header=isinstance(part, Listing),
        box=None if not isinstance(part, Listing) else importlib.import_module("rich.box").ROUNDED,
    )
    if isinstance(part, Listing):
        for name in part.columns:
            table.add_column(escape(name), overflow="fold")
        for row in part.rows:
            table.add_row(*(_marked(escape(text)) for text in row))
    elif isinstance(part, Facts):
        for name, text in part.lines:
            table.add_row(f"[dim]{escape(name)}[/]", escape(text))
    else:
        for mark, what, advice in part.items:
            style = _STYLES.get(mark, "dim")
            table.add_row(f"[{style}]{escape(mark)}[/]", escape(what))
            if advice:
                table.add_row("", f"[dim]do:[/] {escape(advice)}")
    return table


def _marked(text: str) -> str:
    return f"[red]{text}[/]" if text in _BAD_WORDS else text
