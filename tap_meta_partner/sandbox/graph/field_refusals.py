"""Fields Meta no longer knows, for every account or for one.

Meta drops fields between versions and withdraws some from single accounts. It then refuses the
whole call and names one field, so that a caller learns of the next one only by asking again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.protocol.errors import (
    nonexisting_field,
    unknown_field,
    unnamed_field,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

EVERY_ACCOUNT = "*"
#: The ways in which Meta has been seen to say it: two that name the field, one that does not.
WORDINGS = frozenset({"invalid", "nonexisting", "unnamed"})
INSIGHTS = "AdsInsights"
_NODE_TYPES = {
    "account": "AdAccount",
    "campaign": "Campaign",
    "adset": "AdSet",
    "ad": "Ad",
    "creative": "AdCreative",
}


class FieldRefusals:
    """Which fields are refused, and in which words.

    A field of an insights report is named plainly, one of an object with its kind before it:
    `cpp`, `campaign.topline_id`, `account.spend_cap`. `refused` maps account ids (without `act_`;
    "*" = all) to such names.
    """

    def __init__(self, refused: Mapping[str, Collection[str]] | None = None) -> None:
        self._wordings: dict[tuple[str, str], str] = {}
        for account_id, names in (refused or {}).items():
            for name in names:
                self.refuse(name, account_id)

    def refuse(
        self, name: str, account_id: str = EVERY_ACCOUNT, *, wording: str = "invalid"
    ) -> None:
        """Refuse the field from now on."""
        if wording not in WORDINGS:
            raise ValueError(f"wording {wording!r} is not one of {', '.join(sorted(WORDINGS))}")
        self._wordings[account_id.removeprefix("act_"), name] = wording

    def accept(self, name: str, account_id: str = EVERY_ACCOUNT) -> None:
        """Accept the field again."""
        self._wordings.pop((account_id.removeprefix("act_"), name), None)

    def check(self, names: Iterable[str], account_id: str | None, kind: str | None = None) -> None:
        """Raise what Meta says of the first of `names` that is refused.

        `kind` is that of the object asked (None = an insights report); `account_id` None = a list
        of several accounts.
        """
        if not self._wordings:
            return
        node_type = INSIGHTS if kind is None else _NODE_TYPES[kind]
        for name in names:
            full = name if kind is None else f"{kind}.{name}"
            wording = self._wordings.get((EVERY_ACCOUNT, full)) or self._wordings.get(
                (account_id or "", full)
            )
            if wording == "invalid":
                raise unknown_field(name, blamed=True)
            if wording == "unnamed":
                raise unnamed_field()
            if wording == "nonexisting":
                raise nonexisting_field(name, node_type, blamed=True)
