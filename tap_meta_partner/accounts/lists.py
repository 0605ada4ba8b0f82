"""A list of ad accounts: which fields are asked for together, and what to do when that is too much.

The list is one for all clients, so nothing in it may depend on one of them: a page that is too much
is asked for in smaller ones, and a single account that still is in parts of its fields.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_meta_partner.accounts.ad_account import id_from
from tap_meta_partner.graph.calls import Call
from tap_meta_partner.graph.errors import MetaError, TooMuchData
from tap_meta_partner.graph.pages import Collected, read_pages
from tap_meta_partner.graph.refused_fields import refused_fields
from tap_meta_partner.graph.steps import ask
from tap_meta_partner.graph.values import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from tap_meta_partner.graph.steps import Jitter, Steps

logger = logging.getLogger(__name__)

#: Every token that may read an account may read these.
MINIMAL_FIELDS = (
    "id",
    "account_id",
    "name",
    "account_status",
    "currency",
    "timezone_name",
    "timezone_offset_hours_utc",
)


NEEDS_MANAGEMENT = "This needs the permission business_management."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Further fields that need the same right: one that is forbidden fails the whole call.

    Attributes:
        fields: what is asked for; the id is what they are joined to the account by.
        columns: what stays empty without them, for a person.
        advice: what helps where they are refused.
    """

    fields: tuple[str, ...]
    columns: str
    advice: str


FURTHER = (
    Tier(
        fields=(
            "account_id",
            "disable_reason",
            "created_time",
            "amount_spent",
            "balance",
            "spend_cap",
            "min_daily_budget",
            "min_campaign_group_spend_cap",
            "business_name",
            "business_country_code",
            "business_state",
            "timezone_id",
            "age",
            "is_personal",
            "end_advertiser",
            "end_advertiser_name",
            "media_agency",
            "partner",
        ),
        columns="disable_reason, created_time, age, the amounts, the business's name and country",
        advice="This needs the permission ads_read.",
    ),
    Tier(
        fields=("account_id", "user_tasks"),
        columns="user_tasks",
        advice="This needs the permission ads_read.",
    ),
    Tier(
        fields=("account_id", "business{id,name}"),
        columns="business_id and business_manager_name",
        advice=NEEDS_MANAGEMENT,
    ),
    Tier(fields=("account_id", "owner"), columns="owner", advice=NEEDS_MANAGEMENT),
)


#: Accounts per page; the smaller ones only after a page has failed.
_PAGE_SIZES = (200, 100, 50, 25, 10, 5, 1)


#: Pages in a row that have to go well before a larger one is tried again.
_EASY_PAGES_TO_GROW = 3


#: A field that is too much for so many accounts is not asked of the others.
_ENOUGH_ACCOUNTS = 3


#: Without these nobody knows whose the rest is.
_IDS = ("id", "account_id")


def list_accounts(
    path: str, fields: Sequence[str], jitter: Jitter, *, token: int, is_needed: bool = False
) -> Steps[dict[str, dict[str, Any]]]:
    """Read a list of ad accounts, by id.

    Args:
        path: of the list.
        fields: what is wanted of each; those that Meta does not know are left out.
        jitter: see `steps.ask`.
        token: which of the settings' tokens asks.
        is_needed: without this list there is nothing to do: an account that is too much by itself
            comes without the fields that are.

    Raises:
        MetaError: it cannot be read.
    """
    found = Collected()
    asking = _Asking(path, fields, jitter, is_needed=is_needed)
    call = Call(path=path, token=token)
    yield from read_pages(call, found, jitter, sizes=_PAGE_SIZES[:1], answer=asking.page)
    known = {account_id: raw for raw in found.rows if (account_id := id_from(raw))}
    strange = sum(not id_from(raw) for raw in found.rows)
    if strange:
        logger.warning("%s: %d accounts are left out, as their ids are none", path, strange)
    return known


class _Asking:
    """How the pages of a list are asked for: as large as Meta gives them."""

    def __init__(
        self, path: str, fields: Sequence[str], jitter: Jitter, *, is_needed: bool
    ) -> None:
        self._path = path
        self._fields = tuple(fields)
        self._jitter = jitter
        self._is_needed = is_needed
        #: How many accounts were too much for each field.
        self._dropped: Counter[str] = Counter()
        #: Which of the sizes is asked for now, and how many pages went well with it.
        self._step = 0
        self._easy = 0

    def page(self, call: Call) -> Steps[dict[str, Any]]:
        """Return a page; at worst that of a single account, put together from parts.

        Raises:
            MetaError: as `list_accounts`.
        """
        while True:
            sized = replace(call, params={**call.params, "limit": _PAGE_SIZES[self._step]})
            try:
                answer = yield from self._ask(sized, self._fields)
            except TooMuchData as error:
                self._easy = 0
                if self._step + 1 < len(_PAGE_SIZES):
                    self._step += 1
                    continue
                if not self._is_needed:
                    raise
                answer = yield from self._in_parts(sized, error)
            self._ease()
            return answer

    def _ease(self) -> None:
        self._easy += 1
        if self._step and self._easy >= _EASY_PAGES_TO_GROW:
            self._step, self._easy = self._step - 1, 0

    def _ask(self, call: Call, fields: tuple[str, ...]) -> Steps[dict[str, Any]]:
        """Ask for fields, without those that Meta names as unknown or forbidden."""
        asked = replace(call, params={"fields": ",".join(fields), **call.params})
        try:
            return (yield from ask(asked, self._jitter))
        except MetaError as error:
            names = refused_fields(error, fields)
            left = tuple(name for name in fields if name not in names)
            if not names or set(left) <= set(_IDS):
                raise
            self._fields = tuple(name for name in self._fields if name not in names)
            logger.warning("%s: %s left out (%s)", self._path, ", ".join(names), error.fault)
        return (yield from self._ask(call, left))

    def _in_parts(self, call: Call, error: TooMuchData) -> Steps[dict[str, Any]]:
        """Ask for halves of the fields, and put them together; one that is too much is left out."""
        ids = tuple(name for name in self._fields if name in _IDS)
        answer = yield from ask(_asking_for(call, ids), self._jitter)
        rows = {id_from(row): dict(row) for row in rows_of(answer)}
        others = tuple(name for name in self._fields if name not in ids)
        parts = [others]
        dropped: list[str] = []
        while parts:
            part = parts.pop()
            try:
                more = yield from ask(_asking_for(call, (*ids, *part)), self._jitter)
            except TooMuchData:
                if len(part) > 1:
                    parts += [part[: len(part) // 2], part[len(part) // 2 :]]
                else:
                    dropped += part
                continue
            for row in rows_of(more):
                rows.get(id_from(row), {}).update(row)
        if len(dropped) == len(others):
            raise error
        if dropped:
            self._note_dropped(dropped, rows, error)
        return {**answer, "data": [*rows.values()]}

    def _note_dropped(
        self, names: Sequence[str], accounts: Iterable[str], error: TooMuchData
    ) -> None:
        logger.warning(
            "account %s: %s left out, as that is too much for Meta (%s)",
            ", ".join(accounts),
            ", ".join(names),
            error.fault,
        )
        self._dropped.update(names)
        self._fields = tuple(
            name for name in self._fields if self._dropped[name] < _ENOUGH_ACCOUNTS
        )


def _asking_for(call: Call, fields: tuple[str, ...]) -> Call:
    return replace(call, params={"fields": ",".join(fields), **call.params})
