"""The Graph API itself: from a call to its answer, without HTTP."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.graph import accounts as nodes
from tap_meta_partner.sandbox.graph import edges, objects
from tap_meta_partner.sandbox.graph.batches import answer_batch
from tap_meta_partner.sandbox.graph.field_refusals import FieldRefusals
from tap_meta_partner.sandbox.graph.login_dialog import LoginDialog
from tap_meta_partner.sandbox.graph.targets import (
    EXCHANGE_EDGE,
    UNKNOWN_EDGE,
    check_version,
    find_target,
    split_version,
)
from tap_meta_partner.sandbox.graph.tokens import (
    APP_ID,
    LOGIN_TOKEN_SECONDS,
    LONG_TOKEN_SECONDS,
    TokenInfo,
    caller,
    check_client,
    check_readable,
    extendable,
    readable_accounts,
)
from tap_meta_partner.sandbox.graph.usage import UsageMeters
from tap_meta_partner.sandbox.insights.query import read_query
from tap_meta_partner.sandbox.insights.report_runs import ReportRuns
from tap_meta_partner.sandbox.insights.rows import Insights
from tap_meta_partner.sandbox.protocol import errors as graph_errors
from tap_meta_partner.sandbox.protocol.calls import SECRET_PARAMETERS, Answer, ReceivedCall
from tap_meta_partner.sandbox.protocol.errors import GraphError
from tap_meta_partner.sandbox.protocol.faults import SENT_STATUS, FaultPlan
from tap_meta_partner.sandbox.protocol.paging import (
    Page,
    capped,
    emptied,
    listing,
    page_of,
    position_after,
)
from tap_meta_partner.sandbox.world.advertising import AdAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from tap_meta_partner.sandbox.graph.targets import Target
    from tap_meta_partner.sandbox.graph.usage import Budget
    from tap_meta_partner.sandbox.insights.query import InsightsQuery
    from tap_meta_partner.sandbox.insights.report_runs import ReportRun
    from tap_meta_partner.sandbox.insights.rows import Row
    from tap_meta_partner.sandbox.protocol.calls import GraphCall
    from tap_meta_partner.sandbox.protocol.faults import Fault
    from tap_meta_partner.sandbox.world.advertising import Node
    from tap_meta_partner.sandbox.world.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a report may be, in rows; None = as large as it likes.

    Above `slow_sync_rows` a synchronous call times out, above `max_sync_rows` it is refused, above
    `max_async_rows` a run fails. `max_running_runs` counts per account. A page never holds more
    than `max_page_rows` rows, or `max_page_accounts` ad accounts, whatever its `limit`.
    `history` is whether breakdowns reach back less far than totals do, as they do at Meta.
    """

    max_sync_rows: int | None = None
    slow_sync_rows: int | None = None
    max_async_rows: int | None = None
    max_running_runs: int | None = None
    max_page_rows: int | None = None
    max_page_accounts: int | None = None
    history: bool = True


class Graph:
    """Answers calls about a world."""

    def __init__(  # noqa: PLR0913 - each is one dial of the sandbox
        self,
        world: World,
        *,
        tokens: Mapping[str, TokenInfo],
        app_secret: str | None = None,
        budget: Budget | None = None,
        limits: Limits | None = None,
        job_seconds: float = 0.0,
        faults: Iterable[Fault] = (),
        deleted_listed: bool = False,
        refused_fields: Mapping[str, Collection[str]] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.world = world
        self.faults = FaultPlan(faults)
        self.refused_fields = FieldRefusals(refused_fields)
        self.calls: list[ReceivedCall] = []
        self.login = LoginDialog(lambda: world.now().timestamp())
        self._tokens = dict(tokens)
        self._exchanges = count(1)
        self._app_secret = app_secret
        self._limits = limits or Limits()
        self._deleted_listed = deleted_listed
        self._monotonic = monotonic
        self._usage = UsageMeters(budget, monotonic)
        self._insights = Insights(world)
        self._runs = ReportRuns(
            job_seconds=job_seconds,
            max_per_account=self._limits.max_running_runs,
            monotonic=monotonic,
            unix_now=lambda: world.now().timestamp(),
        )
        self._traces = 0
        self._lock = Lock()

    def answer(self, call: GraphCall) -> Answer:
        """The answer to one call; the call is remembered in `calls`."""
        trace_id = self._trace_id()
        version, parts = split_version(call.path)
        target = find_target(call.method, parts, self.world, self._runs)
        fault: Fault | None = None
        error: graph_errors.ErrorBody | None = None
        body: object = None
        try:
            check_version(version)
            who = self._caller(call, target)
            fault = self.faults.take(target.kind, target.account_id, _page_number(call.params))
            if fault is not None and fault.error is not None:
                raise GraphError(fault.error)  # noqa: TRY301 - an asked-for error is like any other
            self._usage.charge(target.account_id, target.kind)
            body = self._body(call, target, who, fault)
            if isinstance(body, Page):
                body = listing(call, emptied(body) if _is_to_be_empty(fault) else body)
        except GraphError as refusal:
            error = refusal.body
            body = error.envelope(trace_id)
        headers = {
            "x-fb-trace-id": trace_id,
            "facebook-api-version": version or "v26.0",
            **self._usage.headers(target.account_id, target.kind),
        }
        status = 200 if error is None else error.status
        effect = fault.effect if fault is not None else None
        self._remember(call, target, SENT_STATUS.get(effect or "", status), error, effect)
        spoiled_by = fault if effect is not None else None
        return Answer.of(body, status=status, headers=headers, fault=spoiled_by)

    # What is asked

    def _caller(self, call: GraphCall, target: Target) -> TokenInfo:
        if target.kind == "debug_token" and call.token is not None and "|" in call.token:
            # An app token, "app id|app secret", may ask about tokens of its app.
            app_id, _, secret = call.token.partition("|")
            if app_id != APP_ID or (self._app_secret is not None and secret != self._app_secret):
                raise graph_errors.invalid_token("Invalid OAuth access token signature.")
            return TokenInfo(type="APP")
        if target.edge == EXCHANGE_EDGE:
            return TokenInfo(type="APP")  # authorised by the app secret instead of a token
        now = self.world.now().timestamp()
        return caller(call, self._tokens, self._app_secret, now)

    def _body(self, call: GraphCall, target: Target, who: TokenInfo, fault: Fault | None) -> object:
        if target.account is not None:
            check_readable(self.world, who, target.account)
        if target.node is not None and target.edge == "insights":
            if call.method == "POST":
                return self._submit(call, target.node, fault)
            return self._rows(call, target.node)
        if target.run is not None:
            return self._run_body(call, target.run, target.kind)
        if target.node is not None:
            return self._node_body(call, target.node, target.edge, who)
        return self._other_body(call, target, who)

    def _other_body(self, call: GraphCall, target: Target, who: TokenInfo) -> object:
        """What is not about one object of the world."""
        answers: dict[str, Callable[[], object]] = {
            "batch": lambda: answer_batch(call, self.answer),
            "me": lambda: nodes.me_object(who),
            "permissions": lambda: {"data": nodes.permissions(who)},
            "debug_token": lambda: {"data": self._debugged(call.params.get("input_token", ""))},
            "ad_accounts": lambda: self._accounts(call, readable_accounts(self.world, who), who),
            "business_accounts": lambda: self._accounts(
                call, self._business_accounts(target.edge, who), who
            ),
            EXCHANGE_EDGE: lambda: self._exchange(call.params),
        }
        answer = answers.get(target.kind) or answers.get(target.edge)
        if answer is not None:
            return answer()
        if target.edge == UNKNOWN_EDGE:
            raise graph_errors.unknown_path(call.path)
        raise graph_errors.unknown_object(call.path.strip("/").split("/")[-1])

    def _debugged(self, token: str) -> nodes.Object:
        info = self._tokens.get(token)
        if info is None:
            return nodes.unknown_token_object()
        return nodes.debug_object(info, self.world.now())

    def _exchange(self, params: Mapping[str, str]) -> object:
        """A longer-lived token for one that is not expired, or a token for a login code."""
        now = int(self.world.now().timestamp())
        check_client(params, self._app_secret)
        if params.get("grant_type") == "fb_exchange_token":
            info, lifetime = extendable(params, self._tokens, now), LONG_TOKEN_SECONDS
        else:
            info = self.login.redeem(params)
            # The token of a client's system user comes without an end.
            lifetime = LOGIN_TOKEN_SECONDS if info.type == "USER" else 0
        token = f"{params.get('fb_exchange_token', 'SANDBOX-LOGIN')}-{next(self._exchanges)}"
        self._tokens[token] = replace(info, expires_at=now + lifetime if lifetime else 0)
        told = {"access_token": token, "token_type": "bearer"}
        return {**told, "expires_in": lifetime} if lifetime else told

    # Insights

    def _rows(self, call: GraphCall, node: Node) -> Page[Row]:
        query = self._query(call.params, node)
        if "mmm" in query.breakdowns:  # by asynchronous runs only, since 2026-01-12
            raise graph_errors.asynchronous_only("mmm")
        revision = self.world.revision
        if not call.params.get("after"):
            self._check_sync_size(query, revision)
        return self._insights.page(query, capped(call.params, self._limits.max_page_rows), revision)

    def _query(self, params: Mapping[str, str], node: Node) -> InsightsQuery:
        today = node.account.today(self.world.now())
        history = self._limits.history
        query = read_query(params, node, today, self.world.opted_in, history_limits=history)
        if params.get("fields"):
            self.refused_fields.check(query.fields, node.account.id)
        return query

    def _check_sync_size(self, query: InsightsQuery, revision: int) -> None:
        largest, slow = self._limits.max_sync_rows, self._limits.slow_sync_rows
        if largest is not None and self._insights.exceeds(query, largest, revision):
            raise graph_errors.too_much_data()
        if slow is not None and self._insights.exceeds(query, slow, revision):
            raise graph_errors.sync_timed_out()

    def _submit(self, call: GraphCall, node: Node, fault: Fault | None) -> object:
        query = self._query(call.params, node)
        revision = self.world.revision
        largest = self._limits.max_async_rows
        run = self._runs.submit(
            query,
            call.params,
            revision=revision,
            too_large=largest is not None and self._insights.exceeds(query, largest, revision),
            fault=fault,
        )
        return {"report_run_id": run.id}

    def _run_body(self, call: GraphCall, run: ReportRun, kind: str) -> object:
        if call.method == "DELETE":
            self._runs.delete(run)
            return {"success": True}
        if kind == "poll":
            requests = nodes.field_requests(call.params.get("fields"))
            known = self._runs.poll(run)
            return nodes.plain_object(known, requests) if requests else known
        self._runs.check_readable(run)
        query = run.query
        if call.params.get("fields"):
            # `fields` may be asked anew when reading; everything else is the run's own.
            params = {**run.params, "fields": call.params["fields"]}
            query = replace(query, fields=self._query(params, query.node).fields)
        return self._insights.page(
            query, capped(call.params, self._limits.max_page_rows), run.revision
        )

    # Accounts and what is in them

    def _accounts(
        self, call: GraphCall, accounts: list[AdAccount], who: TokenInfo
    ) -> Page[nodes.Object]:
        requests = nodes.field_requests(call.params.get("fields"))
        nodes.check_account_fields(requests, who)
        self.refused_fields.check((name for name, _ in requests), None, "account")
        page = page_of(accounts, capped(call.params, self._limits.max_page_accounts))
        now = self.world.now()
        rows = [nodes.account_object(account, requests, who, now) for account in page.rows]
        return Page(rows, page.start, page.end, page.more)

    def _business_accounts(self, edge: str, who: TokenInfo) -> list[AdAccount]:
        if "business_management" not in who.scopes:
            raise graph_errors.missing_permission("business_management")
        owned = edge == "owned_ad_accounts"
        return [
            account
            for account in self.world.accounts
            if account.owned is owned and not self.world.is_revoked(account.id)
        ]

    def _node_body(self, call: GraphCall, node: Node, edge: str, who: TokenInfo) -> object:
        requests = nodes.field_requests(call.params.get("fields"))
        kind = edges.KINDS.get(edge, node.kind)
        self.refused_fields.check((name for name, _ in requests), node.account.id, kind)
        if edges.has_edge(node, edge):
            return edges.page(
                self.world, node, edge, call.params, deleted_listed=self._deleted_listed
            )
        if edge:
            raise graph_errors.unknown_path(f"/{edge}")
        if isinstance(node.object, AdAccount):
            return nodes.account_object(node.account, requests, who, self.world.now())
        objects.check_fields(node.kind, requests)
        return objects.described(self.world, node.kind, node.account, node.object, requests)

    # Bookkeeping

    def _trace_id(self) -> str:
        with self._lock:
            self._traces += 1
            return f"SBX{self._traces:09d}"

    def _remember(
        self,
        call: GraphCall,
        target: Target,
        status: int,
        error: graph_errors.ErrorBody | None,
        effect: str | None,
    ) -> None:
        self.calls.append(
            ReceivedCall(
                method=call.method,
                path=call.path,
                params={k: v for k, v in call.params.items() if k not in SECRET_PARAMETERS},
                kind=target.kind,
                account_id=target.account_id,
                status=status,
                error_code=None if error is None else error.code,
                error_subcode=None if error is None else error.subcode,
                at=self._monotonic(),
                effect=effect,
            )
        )


def _page_number(params: Mapping[str, str]) -> int:
    try:
        return position_after(params).page
    except GraphError:
        return 1


def _is_to_be_empty(fault: Fault | None) -> bool:
    return fault is not None and fault.effect == "empty_page"
