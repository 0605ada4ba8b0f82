"""The Graph API itself: from a call to its answer, without HTTP."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.graph import accounts as nodes
from tap_meta_partner.sandbox.graph import edges, objects
from tap_meta_partner.sandbox.graph.batches import answer_batch
from tap_meta_partner.sandbox.graph.differing import Differing
from tap_meta_partner.sandbox.graph.field_refusals import FieldRefusals
from tap_meta_partner.sandbox.graph.login_dialog import LoginDialog
from tap_meta_partner.sandbox.graph.reports import Reports
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
    from collections.abc import Callable, Mapping

    from tap_meta_partner.sandbox.graph.dials import Dials
    from tap_meta_partner.sandbox.graph.targets import Target
    from tap_meta_partner.sandbox.protocol.calls import GraphCall
    from tap_meta_partner.sandbox.protocol.faults import Fault
    from tap_meta_partner.sandbox.world.advertising import Node
    from tap_meta_partner.sandbox.world.world import World


class Graph:
    """Answers calls about a world."""

    def __init__(self, world: World, dials: Dials) -> None:
        self.world = world
        self.faults = FaultPlan(dials.faults)
        self.refused_fields = FieldRefusals(dials.refused_fields)
        self.calls: list[ReceivedCall] = []
        self.login = LoginDialog(lambda: world.now().timestamp())
        self._dials = dials
        self._tokens = {dials.token: TokenInfo(), **dials.tokens}
        self._exchanges = count(1)
        self._usage = UsageMeters(dials.budgets, dials.monotonic)
        self._reports = Reports(world, dials, self.refused_fields)
        self._differing = Differing(dials.differs)
        self._traces = 0
        self._lock = Lock()

    def answer(self, call: GraphCall) -> Answer:
        """Answer one call; the call is remembered in `calls`."""
        trace_id = self._trace_id()
        version, parts = split_version(call.path)
        target = find_target(call.method, parts, self.world, self._reports.run)
        fault: Fault | None = None
        error: graph_errors.ErrorBody | None = None
        body: object = None
        try:
            check_version(version, self._dials.versions)
            who = self._caller(call, target)
            fault = self.faults.take(target.kind, target.account_id, _page_number(call.params))
            if fault is not None and fault.error is not None:
                raise GraphError(fault.error)  # noqa: TRY301  (an asked-for error is like any other)
            self._usage.charge(target.account_id, target.kind)
            body = self._listed_body(call, target, who, fault)
        except GraphError as refusal:
            try:
                body = self._differing.refused(refusal.body)
            except GraphError as another:
                error = another.body
                body = error.envelope(trace_id)
        headers = {
            "x-fb-trace-id": trace_id,
            "facebook-api-version": version or "v26.0",
            **self._usage.headers(target.account_id, target.kind),
        }
        headers = self._differing.headers(headers)
        status = 200 if error is None else error.status
        whole = None if fault is None else fault.whole_body
        if fault is not None and whole is not None:
            status = fault.status
        effect = fault.effect if fault is not None else None
        self._remember(call, target, SENT_STATUS.get(effect or "", status), error, effect)
        if whole is not None:
            return Answer(status, whole, headers)
        spoiled_by = fault if effect is not None else None
        return Answer.of(body, status=status, headers=headers, fault=spoiled_by)

    # What is asked

    def _caller(self, call: GraphCall, target: Target) -> TokenInfo:
        if target.kind == "debug_token" and call.token is not None and "|" in call.token:
            # An app token, "app id|app secret", may ask about tokens of its app.
            app_id, _, secret = call.token.partition("|")
            if app_id != APP_ID or (
                self._dials.app_secret is not None and secret != self._dials.app_secret
            ):
                raise graph_errors.invalid_token("Invalid OAuth access token signature.")
            return TokenInfo(type="APP")
        if target.edge == EXCHANGE_EDGE:
            return TokenInfo(type="APP")  # authorised by the app secret instead of a token
        now = self.world.now().timestamp()
        return caller(call, self._tokens, self._dials.app_secret, now)

    def _listed_body(
        self, call: GraphCall, target: Target, who: TokenInfo, fault: Fault | None
    ) -> object:
        """Answer as Meta does, but for what the sandbox is to do in another way."""
        now = self.world.now()
        today = now.date() if target.account is None else target.account.today(now)
        call = self._differing.asked(call, target, today)
        body = self._body(call, target, who, fault)
        if isinstance(body, Page):
            body = listing(call, emptied(body) if _is_to_be_empty(fault) else body)
        return self._differing.answered(call, target, body)

    def _body(self, call: GraphCall, target: Target, who: TokenInfo, fault: Fault | None) -> object:
        if target.account is not None:
            check_readable(self.world, who, target.account)
        if target.node is not None and target.edge == "insights":
            if call.method == "POST":
                return self._reports.submit(call, target.node, fault)
            return self._reports.rows(call, target.node)
        if target.run is not None:
            return self._reports.of_run(call, target.run, target.kind)
        if target.node is not None:
            return self._node_body(call, target.node, target.edge, who)
        return self._other_body(call, target, who)

    def _other_body(self, call: GraphCall, target: Target, who: TokenInfo) -> object:
        """Answer what is not about one object of the world."""
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
        """Return a longer-lived token for one that is not expired, or a token for a login code."""
        now = int(self.world.now().timestamp())
        check_client(params, self._dials.app_secret)
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

    # Accounts and what is in them

    def _accounts(
        self, call: GraphCall, accounts: list[AdAccount], who: TokenInfo
    ) -> Page[nodes.Object]:
        requests = nodes.field_requests(call.params.get("fields"))
        nodes.check_account_fields(requests, who)
        self.refused_fields.check((name for name, _ in requests), None, "account")
        page = page_of(accounts, capped(call.params, self._dials.max_page_accounts))
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
            deleted_by = self._dials.deleted_by
            return edges.page(self.world, node, edge, call.params, deleted_by=deleted_by)
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
                at=self._dials.monotonic(),
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
