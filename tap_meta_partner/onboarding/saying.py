"""Lines for a person: whatever they quote, each is one line, holds no secret, moves no cursor."""

from __future__ import annotations

import contextlib

import click

from tap_meta_partner.outputs.printable import printable
from tap_meta_partner.outputs.secrecy import redacted


def say(text: str, *, err: bool = False) -> None:
    """Show a line on stdout, or on stderr."""
    with contextlib.suppress(OSError) if err else contextlib.nullcontext():
        # A stderr that is full must not change how a command ends.
        click.echo(fit(text), err=err)


def fit(text: str) -> str:
    """Return a line as it may be shown."""
    return printable(redacted(text))
