"""Why a target and Meta differ: every reason that `verify` can prove, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a reason.

    Attributes:
        what: what is the matter, without a final stop.
        advice: what to do.
        explains: whether it accounts for the difference; else a person has to look.
    """

    what: str
    advice: str
    explains: bool = True


class Reason(Enum):
    """Why one amount of one day differs; each value is what is said."""

    WITHDRAWN = Words(
        "rows that Meta has withdrawn: without those of earlier readings it is equal",
        "Sum over the latest reading of each day (docs/state.md has the view), or delete the rest.",
    )
    FIELD_EMPTY = Words(
        "the column is empty in all rows of these days: Meta refused the field, or it was not "
        "asked for",
        "See the log of that run; with backfill_on_change the days are read again.",
    )
    TIME_ZONE = Words(
        "the account's time zone is another one now, so its days are cut elsewhere",
        "Read the account anew from start_date (remove its bookmark) if old days are to be recut.",
    )
    ATTRIBUTION = Words(
        "Meta now counts actions by another attribution setting than when the rows were read",
        "Nothing is wrong: compare the same windows (action_attribution_windows), not `value`.",
    )
    NOT_OVER = Words(
        "the day was not over when it was read",
        "The next run reads it again.",
    )
    RESTATED = Words(
        "Meta has corrected the day since it was read (it does so for 28 days)",
        "The next run reads it again, as it is within lookback_days.",
    )
    RESTATED_TOO_LONG_AGO = Words(
        "Meta has corrected the day since it was read, and no run reads it again: it is older "
        "than lookback_days",
        "Set lookback_days to 28, the days for which Meta corrects; to mend these days, read them "
        "again (an earlier start_date after removing the bookmark).",
    )
    NOT_READ_SINCE = Words(
        "the account has not been read since",
        "Run the tap; if it did run, account_sync_status says why the account was left out.",
    )
    NEVER_READ = Words(
        "the target has no row of this account at all",
        "Run the tap; if it did run, account_sync_status says why the account was left out.",
    )
    BEFORE_START = Words(
        "older than the first day that was ever delivered",
        "Set an earlier start_date if these days are wanted: only the missing ones are fetched.",
    )
    HOLE = Words(
        "the last run could not have everything",
        "Each run tries it again while it is within lookback_days.",
    )
    DELETED = Words(
        "Meta's own rows of this level add up to the same: objects that are deleted count in the "
        "account and are not listed below it",
        "Take totals from account_insights.",
    )
    META_ITSELF = Words(
        "Meta's own days do not add up to its total",
        "Wait some minutes: Meta was in the middle of a correction.",
    )
    LOST = Words(
        "Meta no longer shows this account to the token, so there is nothing to compare with",
        "Ask the client whether they took the access back; `meta-partner check` says more.",
    )
    REFUSED = Words(
        "Meta did not answer",
        "See the reason; run it again.",
        explains=False,
    )
    UNKNOWN = Words(
        "nothing here explains it",
        "Read the days again, and verify once more. If it stays, it is a fault: open an issue with "
        "the output of --json.",
        explains=False,
    )
