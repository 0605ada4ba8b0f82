"""Does what the ads spent add up to what their account spent?

Where it does not, something is missing at the ad level. Usually that is no fault of a run: Meta
leaves deleted objects out of the closer levels, but not out of the totals above them (Meta,
"Insights API: deleted and archived objects"). So a difference is told, and nothing is done.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tap_meta_partner.sync.events import Discrepancy

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from tap_meta_partner.accounts.ad_account import AdAccount
    from tap_meta_partner.days.windows import DateWindow
    from tap_meta_partner.settings.model import ReportDefinition

#: What a day may lose by rounding: a share of its amount, and an amount.
_SHARE = Decimal("0.001")


_A_DAY = Decimal("0.01")


class Spend:
    """An ad account's spend by day, as the account level and the ad level tell it."""

    def __init__(self) -> None:
        self._by_level: dict[str, dict[dt.date, Decimal]] = {"account": {}, "ad": {}}

    def note(self, level: str, window: DateWindow, spend: Mapping[str, Decimal]) -> None:
        """Take a window's spend by day at a level; days not named had none."""
        days = self._by_level[level]
        for day in window.each_day():
            days[day] = spend.get(str(day), Decimal(0))

    def discrepancy(self, account: AdAccount, *, today: dt.date) -> Discrepancy | None:
        """Compare the days known at both levels; today's numbers move from call to call."""
        at_account, at_ads = self._by_level["account"], self._by_level["ad"]
        days = sorted(day for day in at_account.keys() & at_ads.keys() if day < today)
        differing = [day for day in days if _differ(at_account[day], at_ads[day])]
        if not differing:
            return None
        return Discrepancy(
            account_id=account.account_id,
            account_name=account.name,
            since=differing[0],
            until=differing[-1],
            account_spend=sum((at_account[day] for day in differing), Decimal(0)),
            ad_spend=sum((at_ads[day] for day in differing), Decimal(0)),
        )


def _differ(account_spend: Decimal, ad_spend: Decimal) -> bool:
    """Tell whether a day's amounts differ by more than rounding; days are not set off."""
    return abs(account_spend - ad_spend) > account_spend * _SHARE + _A_DAY


def adds_up(definition: ReportDefinition) -> bool:
    """Tell whether a report's rows are all the spend of an account, each once and by day."""
    return (
        definition.level in {"account", "ad"}
        and definition.time_increment == 1
        and not definition.breakdowns
        and not definition.filtering
    )
