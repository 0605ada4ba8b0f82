"""Text from outside, for a log or a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a text on one line that moves no cursor and turns no reading direction.

    Names of clients, and whatever Meta or a browser says, come from outside. White space of any
    kind, line ends too, becomes a blank; what else cannot be printed a question mark: escapes,
    control and direction characters, halves of emoji.
    """
    if text.isprintable():
        return text
    return "".join(map(_fit, text))


def _fit(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else "?"
