"""What the demo says: rich in a terminal, plain text elsewhere."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tap_meta_partner.demo.truth import agree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tap_meta_partner.demo.truth import Changes, RowCount, Spend

_PLAIN_WIDTH = 80


#: Where nothing can be written over, a step says how far it is as often as the tap does.
_SECONDS_BETWEEN_LINES = 10


AGREES, DIFFERS = "agrees", "DIFFERS"


def console() -> Console:
    """Make the console; one that cannot print a client's name prints a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)


@contextlib.contextmanager
def step(out: Console, text: str) -> Iterator[Callable[[str], None]]:
    """Say what is being done while it is done, and how long it took once it is.

    Yields:
        What to call with words on how far it is, however often.
    """
    begun = said = time.monotonic()

    def so_far(words: str) -> None:
        nonlocal said
        if out.is_terminal:
            status.update(f"{text}  [dim]{words}[/]")
        elif time.monotonic() - said >= _SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            out.print(f"  {words}", markup=False)

    with out.status(text) as status:
        yield so_far
    out.print(f"[green]✓[/] {text}  [dim]{time.monotonic() - begun:.1f} s[/]")


def show_agreement(out: Console, counts: Sequence[RowCount], spends: Sequence[Spend]) -> None:
    """Say in one line what agrees; what does not is shown in full."""
    if not agree(counts, spends):
        show_rows(out, counts)
        show_spend(out, spends)
        return
    rows = sum(each.loaded for each in counts)
    out.print(f"  {rows:,} rows in {len(counts)} tables, spend of {len(spends)} clients")


def show_rows(out: Console, counts: Iterable[RowCount]) -> None:
    """Show the rows of each table."""
    table = _table("rows per stream", ("stream",), ("PostgreSQL", "sandbox"), ("",))
    for each in counts:
        table.add_row(
            each.stream, f"{each.loaded:,}", f"{each.truth:,}", _verdict(agrees=each.agrees)
        )
    out.print(table)


def show_spend(out: Console, spends: Iterable[Spend]) -> None:
    """Show each client's spend in its own currency: money of several is never added up."""
    table = _table(
        "spend per client, at all four levels",
        ("client", "currency"),
        ("PostgreSQL", "sandbox"),
        ("",),
    )
    for each in spends:
        # Equal amounts are written alike (999,872.0 is 999,872); levels that differ are all shown.
        amounts = [each.truth if each.truth == found else found for found in each.loaded.values()]
        loaded = dict.fromkeys(f"{amount:,f}" for amount in amounts)
        table.add_row(
            each.client,
            each.currency,
            " / ".join(loaded),
            f"{each.truth:,f}",
            _verdict(agrees=each.agrees),
        )
    out.print(table)


def show_changes(out: Console, changes: Iterable[Changes]) -> None:
    """Show what the second run did."""
    table = _table(
        "what the second run did",
        ("stream",),
        ("rows before", "changed", "new", "gone", "duplicates"),
    )
    for each in changes:
        numbers = (each.before, each.changed, each.new, each.gone, each.duplicate_keys)
        table.add_row(each.stream, *(f"{number:,}" for number in numbers))
    out.print(table)


def _table(
    title: str, left: Sequence[str], right: Sequence[str], last: Sequence[str] = ()
) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    for name in last:
        table.add_column(name)
    return table


def _verdict(*, agrees: bool) -> str:
    return f"[green]{AGREES}[/]" if agrees else f"[bold red]{DIFFERS}[/]"
