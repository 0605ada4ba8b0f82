"""The ad accounts themselves, and how each of them fared."""

from __future__ import annotations

import sys

from singer_sdk import typing as th

from tap_meta_partner.accounts.ad_account import AMOUNTS, to_record
from tap_meta_partner.graph.errors import MetaError
from tap_meta_partner.singer.descriptions import described
from tap_meta_partner.singer.stream import PartnerStream
from tap_meta_partner.sync.events import StreamResult

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, ClassVar

    from singer_sdk.helpers import types

    from tap_meta_partner.singer.delivery import Delivery
    from tap_meta_partner.sync.shared import Plan


class AdAccountsStream(PartnerStream):
    """The ad accounts themselves."""

    _SCHEMA: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("id", th.StringType),
        th.Property("account_id", th.StringType, required=True),
        th.Property("name", th.StringType),
        th.Property("account_status", th.IntegerType),
        th.Property("account_status_name", th.StringType),
        th.Property("disable_reason", th.IntegerType),
        th.Property("disable_reason_name", th.StringType),
        th.Property("currency", th.StringType),
        th.Property("timezone_id", th.IntegerType),
        th.Property("timezone_name", th.StringType),
        th.Property("timezone_offset_hours_utc", th.NumberType),
        th.Property("created_time", th.DateTimeType),
        th.Property("age", th.NumberType),
        *(
            th.Property(name, kind)
            for amount in AMOUNTS
            for name, kind in ((amount, th.IntegerType), (f"{amount}_major", th.NumberType))
        ),
        th.Property("business_id", th.StringType),
        th.Property("business_manager_name", th.StringType),
        th.Property("business_name", th.StringType),
        th.Property("business_country_code", th.StringType),
        th.Property("business_state", th.StringType),
        th.Property("end_advertiser", th.StringType),
        th.Property("end_advertiser_name", th.StringType),
        th.Property("media_agency", th.StringType),
        th.Property("partner", th.StringType),
        th.Property("is_personal", th.BooleanType),
        th.Property("owner", th.StringType),
        th.Property("user_tasks", th.ArrayType(th.StringType)),
        th.Property("access", th.StringType),
    ).to_dict()

    def __init__(self, delivery: Delivery) -> None:
        schema = described(self._SCHEMA, ["ad_accounts"])
        super().__init__(delivery, name="ad_accounts", schema=schema, keys=("account_id",))

    @override
    def get_records(self, context: types.Context | None) -> Iterable[dict[str, Any]]:
        with self.delivery.saying_what_went_wrong():
            try:
                found = self.delivery.run.discovery()
            except MetaError:
                if self._tells_alone:
                    raise
                # Another stream meets it again, and can tell what it means for each account.
                return
        for account in found.accounts:
            yield self.projected(to_record(account))

    @property
    def _tells_alone(self) -> bool:
        others = (
            stream
            for stream in self.delivery.tap.streams.values()
            if not isinstance(stream, (AdAccountsStream, AccountSyncStatusStream))
        )
        return self.is_dry_run or not any(stream.selected for stream in others)


class AccountSyncStatusStream(PartnerStream):
    """How each account fared in each stream in each run: written by the leading stream.

    Args:
        delivery: of the tap's run.
        sample: says what to read where the SDK tries this stream on its own (`--test`).
    """

    _SCHEMA: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("account_id", th.StringType, required=True),
        th.Property("stream", th.StringType, required=True),
        th.Property("run_started_at", th.DateTimeType, required=True),
        th.Property("ended_at", th.DateTimeType),
        th.Property("account_name", th.StringType),
        th.Property("result", th.StringType),
        th.Property("reason", th.StringType),
        th.Property("code", th.IntegerType),
        th.Property("covered_from", th.DateType),
        th.Property("covered_to", th.DateType),
        th.Property("rows", th.IntegerType),
        th.Property("rows_unchanged", th.IntegerType),
        th.Property("calls", th.IntegerType),
    ).to_dict()

    def __init__(self, delivery: Delivery, *, sample: Callable[[], Sequence[Plan]]) -> None:
        self._sample = sample
        super().__init__(
            delivery,
            name="account_sync_status",
            schema=described(self._SCHEMA, ["account_sync_status"]),
            keys=("account_id", "stream", "run_started_at"),
        )

    @override
    def get_records(self, context: types.Context | None) -> Iterable[dict[str, Any]]:
        return self._tried_alone() if self.is_dry_run else ()

    def _tried_alone(self) -> Iterator[dict[str, Any]]:
        """Read the account level to have something to tell; no bookmark moves."""
        plans = self._sample()
        with self.delivery.saying_what_went_wrong():
            for event in self.delivery.run.events(plans, {plan.name: {} for plan in plans}):
                if isinstance(event, StreamResult):
                    yield self.projected(self._record(event))

    def write(self, result: StreamResult) -> None:
        """Write one result."""
        self.write_records([self.projected(self._record(result))])

    def _record(self, result: StreamResult) -> dict[str, Any]:
        return {
            "account_id": result.account_id,
            "stream": result.stream,
            "run_started_at": self.delivery.run.started_at.isoformat(),
            "ended_at": self.delivery.run.clock.utc_now().isoformat(),
            "account_name": result.account_name or None,
            "result": result.result.value,
            "reason": result.reason or None,
            "code": result.code,
            "covered_from": result.covered and str(result.covered.since),
            "covered_to": result.covered and str(result.covered.until),
            "rows": result.rows,
            "rows_unchanged": result.unchanged,
            "calls": result.calls,
        }
