"""What a belief is: a sentence about Meta, and the question that tests it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.onboarding.probe.subject import Subject


@dataclass(frozen=True, slots=True)
class Seen:
    """What a question brought.

    Attributes:
        as_believed: None where the account shows neither.
        what: in words, without anything of anybody.
    """

    as_believed: bool | None
    what: str


Question: TypeAlias = "Callable[[Subject], Steps[Seen]]"


@dataclass(frozen=True, slots=True)
class Belief:
    """One thing the tap believes of Meta.

    Attributes:
        name: for reports.
        text: what is believed.
        ask: tests it; raises `MetaError` where Meta does not answer.
    """

    name: str
    text: str
    ask: Question


class Table:
    """Beliefs in the order in which they are asked about, each beside its question."""

    def __init__(self) -> None:
        self.beliefs: list[Belief] = []

    def __call__(self, text: str) -> Callable[[Question], Question]:
        """Enter a belief; the question's name is its own."""

        def enter(question: Question) -> Question:
            self.beliefs.append(Belief(question.__name__, text, question))
            return question

        return enter


def seen(as_believed: bool, yes: str, no: str) -> Seen:  # noqa: FBT001  (what is to be said of it)
    """Say one thing or the other."""
    return Seen(as_believed, yes if as_believed else no)


def yes(what: str) -> Seen:
    """Say that it is as believed."""
    return Seen(as_believed=True, what=what)


def no(what: str) -> Seen:
    """Say that it is not."""
    return Seen(as_believed=False, what=what)


def unseen(what: str) -> Seen:
    """Say that the account shows neither."""
    return Seen(as_believed=None, what=what)
