"""One ad account's way through a run: its streams, their open days, what was read, what was not.

For each stream, plan its windows, ask for each, hand the rows on, close the window. Written as
steps (`retries.py`): it yields calls and pauses for whoever drives it, and events for whoever
writes.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tap_meta_partner.bookmarks import (
    WIDEST_DAYS,
    OpenDays,
    Pace,
    ReportChanged,
    close_window,
    open_days,
)
from tap_meta_partner.errors import (
    AccountUnreadable,
    MetaError,
    RequestRefused,
    ThrottledTooLong,
    TokenRefused,
    TooMuchData,
)
from tap_meta_partner.fields import fields_to_ask, key_of, tells_of_its_own_life
from tap_meta_partner.reports import (
    SIGNS_OF_LIFE,
    ReportRequest,
    read_by_campaign,
    read_report,
)
from tap_meta_partner.retries import OutOfTime
from tap_meta_partner.rows import RowReader
from tap_meta_partner.settings import ReportDefinition
from tap_meta_partner.windows import DateWindow, joined, preset_window

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tap_meta_partner.accounts import AdAccount
    from tap_meta_partner.bookmarks import Bookmark
    from tap_meta_partner.fields import Column
    from tap_meta_partner.reports import Reporting
    from tap_meta_partner.retries import Steps
    from tap_meta_partner.settings import Settings

logger = logging.getLogger(__name__)

#: A rest of up to this many days beyond the widest window is taken along. A nightly run with 28
#: days of lookback is open for 31 days: that is one call, not two.
_TAKEN_ALONG_DAYS = 7
DELIVERED, SKIPPED, LOST, FAILED, UNFINISHED = (
    "delivered",
    "skipped",
    "lost",
    "failed",
    "unfinished",
)


# Events: what happens, for whoever writes rows and state.


@dataclass(frozen=True, slots=True)
class Rows:
    """Records to be written."""

    stream: str
    records: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """Every row of a window has been handed on: the bookmark may move."""

    stream: str
    window: DateWindow
    bookmark: Bookmark


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResult:
    """How one account fared in one stream.

    Attributes:
        result: delivered, skipped, lost, failed or unfinished.
        reason: for a person; empty when delivered.
        code: Meta's error code, where one was the reason.
        covered: the days delivered in this run.
        rows: how many rows its closed windows have.
        calls: how many calls it took (the first stream's include the look for activity).
    """

    account_id: str
    account_name: str
    stream: str
    result: str
    reason: str = ""
    code: int | None = None
    covered: DateWindow | None = None
    rows: int = 0
    calls: int = 0


class DuplicateKey(ValueError):
    """Two rows of one window have the same key: one would replace the other in the target."""


class StreamClosed(Exception):
    """The stream's request was refused for two accounts; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """One insights stream as this run wants it.

    Attributes:
        columns: those selected, keys included.
    """

    definition: ReportDefinition
    columns: tuple[Column, ...]

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.definition.name


@dataclass(slots=True)
class RefusedStreams:
    """Streams whose request Meta refuses: closed once two accounts got the same answer.

    User errors lower the quota, so a report that is wrong everywhere is not tried a thousand times.
    """

    seen: dict[tuple[str, int | None, int | None], set[str]] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)

    def note(self, stream: str, account_id: str, error: MetaError) -> None:
        """Take note of a refusal."""
        key = (stream, error.fault.code, error.fault.subcode)
        accounts = self.seen.setdefault(key, set())
        accounts.add(account_id)
        if len(accounts) > 1 and stream not in self.closed:
            self.closed[stream] = error.reason
            logger.error("%s is not read any further: %s", stream, error.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What holds for all accounts of a run.

    Attributes:
        utc_now: the present moment, for `read_at`.
        may_begin: tells whether a new window may still be begun.
        dead_tokens: why a token no longer works, by its place among the settings' tokens. With one
            token only, its end is the run's.
    """

    settings: Settings
    reporting: Reporting
    utc_now: Callable[[], dt.datetime]
    may_begin: Callable[[], bool]
    refused: RefusedStreams = field(default_factory=RefusedStreams)
    dead_tokens: dict[int, StreamResult] = field(default_factory=dict)


def sync_account(
    account: AdAccount,
    today: dt.date,
    plans: Sequence[StreamPlan],
    bookmarks: Mapping[str, Bookmark],
    run: Run,
) -> Steps[None]:
    """Read one ad account in all streams.

    Args:
        account: whose rows.
        today: the account's own today, fixed for the run.
        plans: the streams wanted; the account-level one first, if any.
        bookmarks: by stream.
        run: what holds for all accounts.

    Yields:
        `Rows`, `WindowClosed` and, for each stream, one `StreamResult`, beside calls and pauses.

    Raises:
        TokenRefused: no account can be read.
    """
    sync = _AccountSync(account, today, run)
    opened: list[tuple[StreamPlan, OpenDays]] = []
    for plan in plans:
        try:
            opened.append((plan, sync.open_days(plan, bookmarks[plan.name])))
        except Exception as error:  # noqa: BLE001  (as in `stream`)
            yield sync.failure(plan.name, error)
    gone: StreamResult | None = sync.token_is_dead()
    if gone is None and len(opened) > 1:
        gone = yield from sync.look_for_life(opened)
    for plan, days in opened:
        if gone is None:
            result = yield from sync.stream(plan, days, bookmarks[plan.name])
            # An account that cannot be read, or is throttled for hours, is not asked again for the
            # next stream.
            gone = result if result.result == SKIPPED or sync.is_blocked else None
        else:
            result = replace(gone, stream=plan.name, covered=None, rows=0)
        yield result


class _AccountSync:
    """The steps of one account, and what they have found out so far."""

    def __init__(self, account: AdAccount, today: dt.date, run: Run) -> None:
        self._account = account
        self._today = today
        self._run = run
        #: Stretches of days of which Meta said on which ones anything happened.
        self._known: list[DateWindow] = []
        self._active_days: set[str] = set()
        #: The attribution windows of all streams: a conversion that only one of them sees is life.
        self._attribution: dict[str, None] = {}
        #: Throttled for so long that it has failed for this run.
        self.is_blocked = False

    def result(
        self, stream: str, result: str, reason: str, code: int | None = None
    ) -> StreamResult:
        return StreamResult(
            account_id=self._account.account_id,
            account_name=self._account.name,
            stream=stream,
            result=result,
            reason=reason,
            code=code,
        )

    def open_days(self, plan: StreamPlan, bookmark: Bookmark) -> OpenDays:
        settings = self._run.settings
        if settings.date_preset:
            window = preset_window(settings.date_preset, today=self._today)
            return OpenDays(forward=window)
        return open_days(
            bookmark,
            plan.definition,
            today=self._today,
            end_date=settings.end_date,
            backfill_on_change=settings.backfill_on_change,
        )

    def look_for_life(self, opened: Sequence[tuple[StreamPlan, OpenDays]]) -> Steps[Any]:
        """Find out with one account-level call on which days anything happened.

        Where the account-level stream is read anyway over the same days, its own rows tell.

        Returns:
            Why the account cannot be read, or None.
        """
        for plan, _ in opened:
            self._attribution |= dict.fromkeys(plan.definition.action_attribution_windows)
        if not self._run.may_begin():
            return None
        for stretch in self._unknown_stretches(opened):
            gone = yield from self._ask_for_life(stretch)
            if gone:
                return gone
        return None

    def _unknown_stretches(self, opened: Sequence[tuple[StreamPlan, OpenDays]]) -> list[DateWindow]:
        """Return the stretches of open days that the account-level stream itself does not cover."""
        first, first_days = opened[0]
        stretches = []
        for own, others in (
            (first_days.forward, [days.forward for _, days in opened]),
            (first_days.gap, [days.gap for _, days in opened]),
        ):
            wanted = [stretch for stretch in others if stretch]
            if not wanted:
                continue
            union = DateWindow(
                min(item.since for item in wanted), max(item.until for item in wanted)
            )
            if not (own and union in own and self._tells_of_life(first.definition)):
                stretches.append(union)
        return stretches

    def _tells_of_life(self, definition: ReportDefinition) -> bool:
        """Tell whether a stream has a row for every day on which any other one has."""
        asked = set(definition.action_attribution_windows)
        return _is_plain_account_level(definition) and asked.issuperset(self._attribution)

    def _ask_for_life(self, stretch: DateWindow) -> Steps[Any]:
        definition = ReportDefinition(
            name="activity", level="account", action_attribution_windows=tuple(self._attribution)
        )
        request = self._request(definition, SIGNS_OF_LIFE, stretch)
        days = _ActiveDays()
        try:
            yield from read_report(request, days, Pace(), self._run.reporting)
        except OutOfTime:
            return None
        except AccountUnreadable as error:
            return self._unreadable("activity", error)
        except TokenRefused as error:
            return self._token_refused("activity", error)
        except Exception as error:  # noqa: BLE001  (as in `stream`)
            # Only a shortcut: without it each stream asks for itself.
            what = error.fault if isinstance(error, MetaError) else type(error).__name__
            logger.info("account %s: activity unknown (%s)", self._account, what)
            return None
        self._known.append(stretch)
        self._active_days |= days.days
        return None

    def stream(self, plan: StreamPlan, days: OpenDays, bookmark: Bookmark) -> Steps[StreamResult]:
        """Read one stream; whatever goes wrong is its result."""
        progress = _Progress(bookmark)
        try:
            yield from self._windows(plan, days, progress)
        except OutOfTime:
            result = self.result(plan.name, UNFINISHED, "the time for this run was over")
        except TokenRefused as error:
            result = self._token_refused(plan.name, error)
        except Exception as error:  # noqa: BLE001  (one account's surprise must not cost the others)
            result = self.failure(plan.name, error)
            logger.warning(
                "account %s, %s %s: %s", self._account, plan.name, result.result, result.reason
            )
        else:
            result = self.result(plan.name, DELIVERED, "")
        return replace(result, covered=progress.covered, rows=progress.rows)

    def failure(self, stream: str, error: Exception) -> StreamResult:
        """Say what became of a stream that ended with an error."""
        if isinstance(error, RequestRefused):
            self._run.refused.note(stream, self._account.account_id, error)
        if isinstance(error, MetaError):
            self.is_blocked = isinstance(error, ThrottledTooLong)
            kind = SKIPPED if isinstance(error, AccountUnreadable) else FAILED
            return self.result(stream, kind, error.reason, error.fault.code)
        if isinstance(error, (DuplicateKey, ReportChanged, StreamClosed)):
            return self.result(stream, FAILED, str(error))
        logger.debug("account %s, %s", self._account, stream, exc_info=error)
        return self.result(stream, FAILED, f"unexpected {type(error).__name__}: please report it")

    def _token_refused(self, stream: str, error: TokenRefused) -> StreamResult:
        """With several tokens, take a dead one as lost access to its accounts."""
        tokens = self._run.settings.tokens
        if len(tokens) == 1:
            raise error
        label = tokens[self._account.token].label
        result = self.result(stream, SKIPPED, f"{label}: {error.reason}", error.fault.code)
        if self._account.token not in self._run.dead_tokens:
            logger.warning("its accounts cannot be read: %s", result.reason)
        self._run.dead_tokens.setdefault(self._account.token, result)
        return result

    def token_is_dead(self) -> StreamResult | None:
        """Return why this account's token no longer works, if it was seen to fail."""
        known = self._run.dead_tokens.get(self._account.token)
        return known and self.result(known.stream, SKIPPED, known.reason, known.code)

    def _unreadable(self, stream: str, error: AccountUnreadable) -> StreamResult:
        logger.warning("account %s skipped: %s", self._account, error.reason)
        return self.result(stream, SKIPPED, error.reason, error.fault.code)

    def _windows(self, plan: StreamPlan, days: OpenDays, progress: _Progress) -> Steps[None]:
        """Read the open days window by window: forward from the oldest, the gap from its newest.

        Raises:
            OutOfTime: the run's time is over, and some are left.
        """
        for stretch, from_end in ((days.forward, False), (days.gap, True)):
            rest = stretch
            while rest:
                if not self._run.may_begin():
                    raise OutOfTime
                closed = self._run.refused.closed.get(plan.name)
                if closed:
                    raise StreamClosed(closed)
                rest = yield from self._next_window(plan, days, rest, progress, from_end=from_end)

    def _next_window(
        self,
        plan: StreamPlan,
        days: OpenDays,
        rest: DateWindow,
        progress: _Progress,
        *,
        from_end: bool,
    ) -> Steps[DateWindow | None]:
        """Read the next window off `rest` and close it; return what is left."""
        pace = progress.bookmark.pace
        window, left = _cut(rest, pace.days, from_end=from_end)
        if self._is_idle(plan, rest):
            window, left = rest, None
        elif not self._is_idle(plan, window):
            sink = self._sink(plan)
            request = self._request(plan.definition, self._fields(plan), window)
            try:
                pace = yield from self._read(request, sink, pace)
            except TooMuchData as error:
                if window.days == 1:
                    raise
                half = window.days // 2
                logger.info("%s: %s; halving the window", request, error.rule.what)
                progress.bookmark = replace(progress.bookmark, pace=pace.narrowed(half))
                return rest
            self._learn(plan, window, sink)
            progress.rows += sink.row_count
        progress.close(window, days, pace, self._today)
        if not self._run.settings.date_preset:
            yield WindowClosed(plan.name, window, progress.bookmark)
        return left

    def _read(self, request: ReportRequest, sink: _RecordSink, pace: Pace) -> Steps[Pace]:
        """Read one window the way that worked before; a single day, if need be, by campaign."""
        reporting = self._run.reporting
        is_day = request.window.days == 1
        if not (is_day and pace.by_campaign):
            try:
                return (yield from read_report(request, sink, pace, reporting))
            except TooMuchData:
                if not is_day or request.definition.level == "account":
                    raise
            yield from read_by_campaign(request, sink, reporting)
            return pace.with_campaigns()
        yield from read_by_campaign(request, sink, reporting)
        return pace.eased()

    def _fields(self, plan: StreamPlan) -> tuple[str, ...]:
        asked = fields_to_ask(plan.columns)
        if _is_plain_account_level(plan.definition):
            # Its rows also tell on which days the other levels need not be asked.
            return tuple(dict.fromkeys((*asked, *SIGNS_OF_LIFE)))
        return asked

    def _request(
        self, definition: ReportDefinition, fields: Collection[str], window: DateWindow
    ) -> ReportRequest:
        return ReportRequest(
            definition=definition,
            fields=tuple(fields),
            account_id=self._account.account_id,
            window=window,
        )

    def _sink(self, plan: StreamPlan) -> _RecordSink:
        reader = RowReader(
            stream=plan.name,
            columns=plan.columns,
            account_id=self._account.account_id,
            timezone_name=self._account.timezone_name,
        )
        return _RecordSink(plan, reader, self._run.utc_now, self._today)

    def _learn(self, plan: StreamPlan, window: DateWindow, sink: _RecordSink) -> None:
        """Remember on which days the account-level stream had rows."""
        if not self._tells_of_life(plan.definition):
            return
        self._known = joined([*self._known, window])
        self._active_days |= sink.days

    def _is_idle(self, plan: StreamPlan, window: DateWindow) -> bool:
        """Tell whether nothing happened in the whole window; only what Meta said counts."""
        if plan.definition.filtering or tells_of_its_own_life(plan.definition):
            return False
        if not any(window in stretch for stretch in self._known):
            return False
        since, until = str(window.since), str(window.until)
        return not any(since <= day <= until for day in self._active_days)


@dataclass(slots=True)
class _Progress:
    """How far one account has come in one stream."""

    bookmark: Bookmark
    covered: DateWindow | None = None
    rows: int = 0

    def close(self, window: DateWindow, days: OpenDays, pace: Pace, today: dt.date) -> None:
        moved = close_window(self.bookmark, window, days, today=today)
        self.bookmark = replace(moved, pace=pace)
        covered = self.covered or window
        self.covered = DateWindow(
            min(covered.since, window.since), max(covered.until, window.until)
        )


class _RecordSink:
    """Turns pages of rows into records and refuses a key that comes twice in its window."""

    def __init__(
        self,
        plan: StreamPlan,
        reader: RowReader,
        utc_now: Callable[[], dt.datetime],
        today: dt.date,
    ) -> None:
        self._plan = plan
        self._key = key_of(plan.definition)
        self._reader = reader
        self._utc_now = utc_now
        self._today = today
        self._part = ""
        self._keys: set[tuple[Any, ...]] = set()
        self._earlier_keys: set[tuple[Any, ...]] = set()
        #: Days with rows.
        self.days: set[str] = set()

    def begin(self, part: str = "") -> None:
        if not part:
            self._reader.begin_window(read_at=self._utc_now(), today=self._today)
            self._earlier_keys = set()
        elif part != self._part:
            self._earlier_keys |= self._keys
        self._part, self._keys = part, set()

    def page(self, rows: list[dict[str, Any]]) -> Rows:
        record_of, key_columns = self._reader.record, self._key
        keys, earlier = self._keys, self._earlier_keys
        records = []
        for row in rows:
            record = record_of(row)
            key = tuple([record[name] for name in key_columns])
            if key in keys or key in earlier or None in key:
                raise DuplicateKey(self._complaint(key))
            keys.add(key)
            records.append(record)
            self.days.add(record["date_start"])
        return Rows(self._plan.name, records)

    @property
    def row_count(self) -> int:
        """How many rows the window has, however often it was begun again."""
        return len(self._keys) + len(self._earlier_keys)

    def _complaint(self, key: tuple[Any, ...]) -> str:
        # On one line, whatever stands in a key.
        values = [" ".join(str(value).split()) for value in key]
        named = ", ".join(f"{name}={value}" for name, value in zip(self._key, values, strict=True))
        trouble = "a row without a whole key" if None in key else "two rows with one key"
        return (
            f"{self._plan.name}: Meta sent {trouble} ({named}); nothing of this window counts as "
            "delivered. Please report it with the report's definition."
        )


class _ActiveDays:
    """A sink that keeps only on which days there were rows."""

    def __init__(self) -> None:
        self.days: set[str] = set()

    def begin(self, part: str = "") -> None:  # noqa: ARG002
        self.days.clear()

    def page(self, rows: list[dict[str, Any]]) -> None:
        self.days |= {str(row.get("date_start")) for row in rows}


def _is_plain_account_level(definition: ReportDefinition) -> bool:
    return (
        definition.level == "account"
        and not definition.breakdowns
        and not definition.filtering
        and not definition.action_breakdowns
    )


def _cut(rest: DateWindow, days: int, *, from_end: bool) -> tuple[DateWindow, DateWindow | None]:
    if days == WIDEST_DAYS and rest.days <= WIDEST_DAYS + _TAKEN_ALONG_DAYS:
        days = rest.days
    return rest.last(days) if from_end else rest.first(days)
