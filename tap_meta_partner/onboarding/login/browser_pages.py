"""What the client's browser shows when it comes back: one small page, in plain words."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>:root {{ color-scheme: light dark }}
body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 14vh auto 2rem;
padding: 0 1.5rem; color: #1c2b33; background: #fff; overflow-wrap: anywhere }}
h1 {{ font-size: 1.6rem }} dt {{ font-weight: 600 }} dd {{ margin: 0 0 .8rem }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e4e6eb; background: #18191a }} }}</style>
</head><body><h1>{title}</h1><p>{text}</p>{facts}</body></html>
"""


#: More would not fit a window; the terminal names them.
_SHOWN = 10


def page(title: str, text: str, facts: Sequence[tuple[str, Sequence[str]]] = ()) -> str:
    """Make a page.

    Args:
        title: what happened.
        text: what to do.
        facts: a name and what belongs to it, line by line.
    """
    listed = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{'<br>'.join(map(html.escape, _some(lines)))}</dd>"
        for name, lines in facts
    )
    return _PAGE.format(
        title=html.escape(title),
        text=html.escape(text),
        facts=f"<dl>{listed}</dl>" if listed else "",
    )


def connected(client: str, scopes: Sequence[str], accounts: Sequence[str] | None) -> str:
    """Make the page of a login that went well.

    Args:
        client: who logged in; empty where Meta did not say.
        scopes: what was granted.
        accounts: names of the ad accounts that can be read; None where Meta did not say.
    """
    facts = [("Logged in as", [client])] if client else []
    facts.append(("Granted", list(scopes)))
    if accounts is not None:
        facts.append((f"Ad accounts that can be read: {len(accounts)}", list(accounts)))
    return page("Connected", "You can close this window.", [fact for fact in facts if fact[1]])


def not_connected(reason: str) -> str:
    """Make the page of a login that failed."""
    said = reason[:1].upper() + reason[1:] + ("" if reason.endswith((".", "!", "?")) else ".")
    return page("Not connected", f"{said} You can close this window.")


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], f"… and {more} more"] if more > 0 else list(lines)


#: Where the outcome is not known in time.
ARRIVED = page("Back from Meta", "You can close this window. The terminal says how it went on.")
NOTHING_GRANTED = page(
    "Nothing was granted", "You can close this window. The terminal says what can be done."
)
STRANGER = page(
    "Another login",
    "This does not belong to the login that the terminal waits for, and was not used. "
    "Open the address that the terminal shows.",
)
NOT_HERE = page("Nothing here", "This address only waits for Meta's answer.")
