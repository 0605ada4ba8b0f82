"""Waiting until a client has shared an ad account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import UNASSIGNED
from tap_meta_partner.accounts.discovery import discover
from tap_meta_partner.accounts.wanted import unfiltered
from tap_meta_partner.graph.errors import KeptFailing, NobodyAnswers
from tap_meta_partner.onboarding.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.accounts.discovery import Discovery
    from tap_meta_partner.lanes.clock import Clock
    from tap_meta_partner.settings.model import Settings

_FIRST_SECONDS = 10.0


_GROWTH = 1.3


_LONGEST_SECONDS = 120.0


#: One look at the list may take so long.
_LOOK_SECONDS = 120.0


@dataclass(slots=True)
class Watch:
    """Looks at the list of ad accounts again and again, less often as time goes on.

    Args:
        settings: the tap's; with `business_id` a share is seen before it is assigned.
        clock: time and chance.
        sleep: waits.
        say: tells a person what happens.
    """

    settings: Settings
    clock: Clock
    sleep: Callable[[float], None]
    say: Callable[[str], None]
    told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        # Whatever the settings leave out: a new account is new.
        self.settings = unfiltered(self.settings)

    def until_new(self, minutes: float) -> list[AdAccount]:
        """Return the accounts that can be read and could not before; none when time is over.

        Raises:
            MetaError: the list cannot be read (a look that fails later on is passed over).
        """
        ends = self.clock.monotonic() + minutes * 60
        before = self._look()
        self._say_begin(before)
        wait = _FIRST_SECONDS
        while (left := ends - self.clock.monotonic()) > 0:
            self.sleep(min(wait, left))
            wait = min(wait * _GROWTH, _LONGEST_SECONDS)
            found = self._look_again()
            if found is None or before is None:
                before = before or found
                continue
            known = {account.account_id for account in before.readable}
            new = [account for account in found.readable if account.account_id not in known]
            if new:
                return new
            self._say_shared(found)
        return []

    def _say_begin(self, found: Discovery | None) -> None:
        count = "?" if found is None else len(found.readable)
        self.say(f"{count} ad accounts can be read; waiting for a new one (Ctrl-C ends this)")
        if found is not None:
            self.told.update(account.account_id for account in found.accounts)

    def _say_shared(self, found: Discovery) -> None:
        for account in found.accounts:
            if account.access == UNASSIGNED and account.account_id not in self.told:
                self.told.add(account.account_id)
                self.say(
                    f"shared, but not assigned yet: {account}. Assign it to the system user in "
                    "Business settings > Users > System users > Assign assets."
                )

    def _look_again(self) -> Discovery | None:
        try:
            return self._look()
        except (KeptFailing, NobodyAnswers) as error:
            self.say(f"{error.reason} Looking again later.")
            return None

    def _look(self) -> Discovery | None:
        asking = Asking(self.settings, self.clock, _LOOK_SECONDS)
        found: Discovery | None = asking.one(
            discover(self.settings, further=False, jitter=self.clock.jitter)
        )
        return found
