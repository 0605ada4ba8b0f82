"""One Graph API call, as it came in and as it was answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_meta_partner.sandbox.protocol.faults import Fault

SECRET_PARAMETERS = frozenset(
    {
        "access_token",
        "appsecret_proof",
        "appsecret_time",
        "client_secret",
        "code",
        "code_verifier",
        "fb_exchange_token",
        "input_token",
    }
)


@dataclass(frozen=True, slots=True)
class GraphCall:
    """A call before it is judged.

    `base_url` is how the caller reached the sandbox; `token_in_params` says whether the token came
    as a parameter, since Meta then repeats it in `paging.next`.
    """

    method: str
    path: str
    params: Mapping[str, str]
    token: str | None
    token_in_params: bool
    base_url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: `fault` says how the HTTP layer is to spoil it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None

    @classmethod
    def of(
        cls,
        body: object,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        fault: Fault | None = None,
    ) -> Answer:
        """Return an answer with a JSON body."""
        # Five times faster than `json`, which would take a third of the time of a large page.
        return cls(status, msgspec.json.encode(body), headers or {}, fault)


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """A call the sandbox has answered.

    `params` lacks the token and the proof. `kind` is what the call was for: ad_accounts,
    business_accounts, account, insights, campaign_insights (any node that is not an account),
    run_create, poll, run_result, campaigns, adsets, ads, adcreatives, object (one of those),
    batch, me, permissions, debug_token or other.
    `status` is the HTTP status sent, 0 when a fault left none. `at` is in seconds of a monotonic
    clock. `effect` is that of the fault the call met, if any.
    """

    method: str
    path: str
    params: dict[str, str]
    kind: str
    account_id: str | None
    status: int
    error_code: int | None
    error_subcode: int | None
    at: float
    effect: str | None = None
