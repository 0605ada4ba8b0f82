"""One probe: finds the account, asks about each belief, and keeps what was seen."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import ASSIGNED, UNASSIGNED, account_zone
from tap_meta_partner.accounts.discovery import discover
from tap_meta_partner.accounts.wanted import unfiltered
from tap_meta_partner.graph.errors import MetaError, TokenRefused
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.lanes.lane import Lane
from tap_meta_partner.onboarding.asking import Asking
from tap_meta_partner.onboarding.probe.beliefs import no, unseen
from tap_meta_partner.onboarding.probe.subject import Heard, Subject
from tap_meta_partner.onboarding.probe.table import BELIEFS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tap_meta_partner.graph.steps import Steps
    from tap_meta_partner.onboarding.probe.beliefs import Belief, Seen
    from tap_meta_partner.onboarding.probe.subject import Exchange
    from tap_meta_partner.settings.model import Settings
    from tap_meta_partner.sync.recording.scrubbing import Scrubber

#: Of a list in the report; more rows show nothing more.
_MOST_ITEMS = 3
_OUT_OF_TIME = "not asked: the time was over"


class CannotProbe(Exception):
    """There is nothing to ask; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What became of one belief.

    Attributes:
        exchanges: those that its question needed.
    """

    belief: Belief
    seen: Seen
    exchanges: Sequence[Exchange] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a probe has seen."""

    api_version: str
    found: Sequence[Found]
    calls: int
    seconds: float

    @property
    def others(self) -> list[Found]:
        """Those that are not as believed."""
        return [each for each in self.found if each.seen.as_believed is False]

    def as_json(self, scrubber: Scrubber) -> dict[str, Any]:
        """Return all of it, scrubbed, with the answers that are not as believed."""
        return {
            "api_version": self.api_version,
            "calls": self.calls,
            "beliefs": [
                {
                    "name": each.belief.name,
                    "belief": each.belief.text,
                    "as_believed": each.seen.as_believed,
                    "seen": each.seen.what,
                    "exchanges": [
                        _told(exchange, scrubber)
                        for exchange in each.exchanges
                        if each.seen.as_believed is False
                    ],
                }
                for each in self.found
            ],
        }


@dataclass(slots=True)
class Probing:
    """One probe.

    Args:
        settings: the tap's.
        account_id: whom to ask.
        unassigned: see `Subject`; found by business_id where it is not given.
        later: see `Subject`.
        clock: time and chance.
        minutes: when to give up.
    """

    settings: Settings
    account_id: str
    unassigned: str | None = None
    later: str | None = None
    clock: Clock = field(default_factory=Clock)
    minutes: float = 10.0
    heard: Heard = field(default_factory=Heard)
    asking: Asking = field(init=False)

    def __post_init__(self) -> None:
        self.asking = Asking(self.settings, self.clock, self.minutes * 60, self.heard)

    def run(self) -> Findings:
        """Ask everything.

        Raises:
            CannotProbe: the account is not one that the token can read.
            MetaError: the ad accounts cannot be listed, or the token is refused.
        """
        begun = self.clock.monotonic()
        subject = self._subject()
        found: list[Found] = []
        lane = Lane(
            name=str(subject.account),
            account_id=self.account_id,
            token=subject.account.token,
            steps=_ask_all(subject, found),
        )
        self.asking.drive([lane])
        asked = {each.belief.name for each in found}
        found += [
            Found(belief=belief, seen=unseen(_OUT_OF_TIME))
            for belief in BELIEFS
            if belief.name not in asked
        ]
        return Findings(
            api_version=self.settings.api_version,
            found=found,
            calls=self.asking.calls,
            seconds=round(self.clock.monotonic() - begun, 1),
        )

    def _subject(self) -> Subject:
        settings = replace(unfiltered(self.settings), shard_index=0, shard_count=1)
        listed = self.asking.one(discover(settings, further=False, jitter=self.clock.jitter))
        accounts = {account.account_id: account for account in listed.accounts}
        account = accounts.get(self.account_id)
        if account is None or account.access != ASSIGNED:
            raise CannotProbe(
                f"{self.account_id} is not among the {len(listed.readable)} ad accounts that the "
                "token can read: `meta-partner check` lists them"
            )
        unassigned = (each.account_id for each in listed.accounts if each.access == UNASSIGNED)
        now = self.clock.utc_now()
        zone = account_zone(account.timezone_name, account.timezone_offset_hours)
        return Subject(
            account=account,
            now=now,
            today=now.astimezone(zone).date(),
            settings=self.settings,
            jitter=self.clock.jitter,
            heard=self.heard,
            unassigned=self.unassigned or next(unassigned, None),
            later=self.later,
        )


def _ask_all(subject: Subject, found: list[Found]) -> Steps[None]:
    for belief in BELIEFS:
        subject.used.clear()
        try:
            seen = yield from belief.ask(subject)
        except TokenRefused:
            raise
        except MetaError as error:
            code = error.fault.code
            said = "no answer" if code is None else f"refused with code {code}"
            seen = unseen(f"{said}: {error.rule.what}")
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            # Whatever Meta may answer, the other questions are asked all the same.
            seen = no(f"an answer of another shape ({type(error).__name__})")
        found.append(Found(belief=belief, seen=seen, exchanges=tuple(subject.used)))


def _told(exchange: Exchange, scrubber: Scrubber) -> dict[str, Any]:
    try:
        body: Any = scrubber.value(_shortened(json.loads(exchange.body, parse_float=Decimal)))
    except (ValueError, UnicodeDecodeError):
        body = f"{len(exchange.body)} bytes that are no JSON"
    return {
        "method": exchange.call.method,
        "path": scrubber.path(exchange.call.path),
        "parameters": scrubber.parameters(exchange.call.params),
        "status": exchange.status,
        "headers": scrubber.headers(exchange.headers),
        "body": body,
    }


def _shortened(value: Any) -> Any:  # noqa: ANN401  (a JSON value)
    if isinstance(value, list):
        return [_shortened(item) for item in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    return value
