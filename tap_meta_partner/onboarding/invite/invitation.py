"""The instructions for a client who shares an ad account with us, in today's names of Meta's menus.

They are the same as in docs/access.md.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SETTINGS_URL = "https://business.facebook.com/settings"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it: steps in order, or points."""

    title: str
    items: tuple[str, ...]
    in_order: bool = False


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is sent.

    `*…*` in a text marks a name as it stands on the screen; `{id}` is our Business Manager ID.
    """

    greeting: str
    sections: tuple[Section, ...]
    business_id: str


_SHARE = Section(
    "How to share your ad account (about two minutes)",
    (
        (
            "Open *Business settings* at {url}. You need to be an admin of the business that owns "
            "the ad account."
        ),
        "Go to *Users* > *Partners* > *Add* > *Give a partner access to your assets*.",
        "Enter our Business Manager ID: {id}",
        "Choose *Ad accounts*, then your ad account.",
        "Switch on *View performance* (also called Analyst), and nothing else.",
        "Press *Save changes*, and tell us that it is done.",
    ),
    in_order=True,
)


_SEE = Section(
    "What we can see",
    (
        (
            "Names and settings of the ad account, its campaigns, ad sets and ads; its currency, "
            "time zone, total spend and balance."
        ),
        (
            "Their figures for each day: spend, impressions, reach, clicks, conversions, also by "
            "age group, country, placement or device; up to 37 months back."
        ),
    ),
)


_CANNOT = Section(
    "What we cannot do or see",
    (
        "Change, start, stop or create anything, or spend your money.",
        "Your payment methods, your Pages and messages, your other ad accounts.",
        "Who saw or clicked an ad: Meta gives totals, no people.",
    ),
)


_REVOKE = Section(
    "How to take it back, at any time",
    (
        (
            "*Business settings* > *Users* > *Partners* > choose us (the ID is {id}) > your ad "
            "account > remove the access, or remove us as a partner."
        ),
        (
            "It takes effect at once: we read nothing more. Ask us if what was read before is to "
            "be deleted too."
        ),
    ),
)


def invitation(business_id: str, client: str | None) -> Invitation:
    """Fill the instructions in.

    Args:
        business_id: ours.
        client: whom to address, or None.
    """
    greeting = f"Hello {client}," if client else "Hello,"
    return Invitation(
        greeting=greeting,
        sections=(_SHARE, _SEE, _CANNOT, _REVOKE),
        business_id=business_id,
    )


_INTRODUCTION = (
    "so that we can report on your Meta (Facebook and Instagram) ads, please share your ad account "
    "with us, for reading only."
)


def as_text(found: Invitation) -> str:
    """Write plain text, for an e-mail."""
    return _written(
        found,
        heading=lambda title: title.upper(),
        item=lambda number, text: f"{number}. {text}" if number else f"- {text}",
        fill=lambda text: _MARK.sub(r'"\1"', text),
        greeting=str,
    )


def as_markdown(found: Invitation) -> str:
    """Write Markdown."""
    return _written(
        found,
        heading=lambda title: f"## {title}",
        item=lambda number, text: f"{number}. {text}" if number else f"- {text}",
        fill=lambda text: _MARK.sub(r"**\1**", text),
        greeting=lambda text: re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text),
        business_id="`{}`",
        url="<{}>",
    )


def as_html(found: Invitation) -> str:
    """Write an HTML fragment; whatever comes from outside is escaped."""
    lines = [f"<p>{html.escape(found.greeting)}</p>", f"<p>{html.escape(_INTRODUCTION)}</p>"]
    for section in found.sections:
        tag = "ol" if section.in_order else "ul"
        lines += [f"<h2>{html.escape(section.title)}</h2>", f"<{tag}>"]
        lines += [f"  <li>{_html(text, found.business_id)}</li>" for text in section.items]
        lines.append(f"</{tag}>")
    return "\n".join(lines) + "\n"


def _html(text: str, business_id: str) -> str:
    marked = _MARK.sub(r"<strong>\1</strong>", html.escape(text))
    link = f'<a href="{SETTINGS_URL}">{SETTINGS_URL}</a>'
    return marked.format(id=f"<code>{html.escape(business_id)}</code>", url=link)


def _written(  # noqa: PLR0913  (one for each kind of mark)
    found: Invitation,
    *,
    heading: Callable[[str], str],
    item: Callable[[int, str], str],
    fill: Callable[[str], str],
    greeting: Callable[[str], str],
    business_id: str = "{}",
    url: str = "{}",
) -> str:
    values = {"id": business_id.format(found.business_id), "url": url.format(SETTINGS_URL)}
    lines = [greeting(found.greeting), "", _INTRODUCTION]
    for section in found.sections:
        lines += ["", heading(section.title), ""]
        for number, text in enumerate(section.items, 1):
            lines.append(item(number if section.in_order else 0, fill(text).format(**values)))
    return "\n".join(lines) + "\n"


_MARK = re.compile(r"\*([^*]+)\*")


FORMATS: Mapping[str, Callable[[Invitation], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "html": as_html,
}
