"""The errors the sandbox answers with, in Meta's envelope and with Meta's codes."""

from __future__ import annotations

from dataclasses import dataclass

# Meta blames the parameter, not the field in it.
_BLAMED = '{"blame_field_specs":[["fields"]]}'


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What stands in the `error` object of a refused call.

    Meta uses the type `OAuthException` for nearly everything, so clients must go by `code` and
    `subcode`; `status` is the HTTP status, which is 400 even for throttling. `data` is JSON inside
    a text.
    """

    code: int
    message: str
    subcode: int | None = None
    status: int = 400
    type: str = "OAuthException"
    is_transient: bool | None = None
    user_title: str | None = None
    user_message: str | None = None
    data: str | None = None

    def envelope(self, trace_id: str) -> dict[str, object]:
        """Return the body as Meta sends it; optional keys are absent rather than null."""
        optional = {
            "error_subcode": self.subcode,
            "is_transient": self.is_transient,
            "error_user_title": self.user_title,
            "error_user_msg": self.user_message,
            "error_data": self.data,
        }
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "code": self.code,
                **{key: value for key, value in optional.items() if value is not None},
                "fbtrace_id": trace_id,
            }
        }


class GraphError(Exception):
    """The call is refused with `body`."""

    def __init__(self, body: ErrorBody) -> None:
        super().__init__(body.message)
        self.body = body


def invalid_parameter(message: str) -> GraphError:
    """Say that the API does not know a value (code 100)."""
    return GraphError(ErrorBody(100, f"(#100) {message}"))


def unknown_field(name: str, where: str = "", *, blamed: bool = False) -> GraphError:
    """Say that the edge has no such field, or not at this level (code 100)."""
    message = (
        f"(#100) {name} is not valid for fields param{where}. please check "
        "https://developers.facebook.com/docs/marketing-api/reference/ads-insights/ "
        "for all valid values"
    )
    return GraphError(ErrorBody(100, message, data=_BLAMED if blamed else None))


def nonexisting_field(name: str, node_type: str, *, blamed: bool = False) -> GraphError:
    """Say that objects of this type have no such field (code 100)."""
    message = f"(#100) Tried accessing nonexisting field ({name}) on node type ({node_type})"
    return GraphError(ErrorBody(100, message, data=_BLAMED if blamed else None))


def unknown_error() -> GraphError:
    """Say that Meta does not know what went wrong (code 1, HTTP 500)."""
    return GraphError(ErrorBody(1, "An unknown error occurred", status=500))


def invalid_story() -> GraphError:
    """Say that a creative's `object_story_spec` no longer is as it has to be (100/2446211)."""
    return GraphError(
        ErrorBody(
            100,
            "Invalid parameter",
            subcode=2446211,
            user_title="Invalid object story spec",
            user_message="The object story spec of this creative is no longer valid",
        )
    )


def unnamed_field() -> GraphError:
    """Say that the app may not have some field, without saying which (code 10)."""
    message = "(#10) To use this feature, your use case must be whitelisted"
    return GraphError(ErrorBody(10, message))


def unknown_object(node_id: str) -> GraphError:
    """Say that there is no such object, or not for this token: Meta leaves that open (100/33)."""
    return GraphError(
        ErrorBody(
            100,
            f"Unsupported get request. Object with ID '{node_id}' does not exist, cannot be loaded "
            "due to missing permissions, or does not support this operation.",
            subcode=33,
            type="GraphMethodException",
        )
    )


def not_assigned() -> GraphError:
    """Say that the account is shared with the business but not assigned to this user (code 200)."""
    return GraphError(
        ErrorBody(
            200, "(#200) Ad account owner has NOT grant ads_management or ads_read permission"
        )
    )


def missing_permission(permission: str) -> GraphError:
    """Say that the token lacks a scope or a task (code 200)."""
    return GraphError(ErrorBody(200, f"(#200) Requires {permission} permission to read this."))


def invalid_token(message: str, subcode: int | None = None) -> GraphError:
    """Say that the token is missing, malformed, expired or revoked (code 190)."""
    return GraphError(ErrorBody(190, message, subcode=subcode))


def invalid_app() -> GraphError:
    """Say that there is no such app (code 101)."""
    return GraphError(
        ErrorBody(
            101, "Error validating application. Cannot get application info due to a system error."
        )
    )


def invalid_client() -> GraphError:
    """Say that the app secret is not that of the app (code 1, as for faults nobody knows)."""
    return GraphError(ErrorBody(1, "Error validating client secret."))


def code_used() -> GraphError:
    """Say that a login code works once (100/36009)."""
    return GraphError(ErrorBody(100, "This authorization code has been used.", subcode=36009))


def code_expired() -> GraphError:
    """Say that a login code works for a few minutes (100/36007)."""
    return GraphError(ErrorBody(100, "This authorization code has expired.", subcode=36007))


def other_redirect() -> GraphError:
    """Say that a code goes with the redirect_uri it was asked for with (100/36008)."""
    return GraphError(
        ErrorBody(
            100,
            "Error validating verification code. Please make sure your redirect_uri is identical "
            "to the one you used in the OAuth dialog request",
            subcode=36008,
        )
    )


def verifier_without_challenge() -> GraphError:
    """Say that PKCE's second half came without its first (code 100)."""
    return GraphError(
        ErrorBody(
            100,
            "code_verifier param is provided without a code_challenge in authorization request.",
        )
    )


def invalid_verifier() -> GraphError:
    """Say that PKCE's second half does not fit the first (code 100)."""
    return GraphError(ErrorBody(100, "Invalid code verifier."))


def missing_proof() -> GraphError:
    """Say that the app demands `appsecret_proof` and none came (code 100)."""
    return GraphError(
        ErrorBody(
            100,
            "API calls from the server require an appsecret_proof argument",
            type="GraphMethodException",
        )
    )


def wrong_proof() -> GraphError:
    """Say that the `appsecret_proof` does not belong to this token and app secret (code 100)."""
    return GraphError(
        ErrorBody(
            100,
            "Invalid appsecret_proof provided in the API argument",
            type="GraphMethodException",
        )
    )


def deprecated_version(version: str) -> GraphError:
    """Say that the version's Marketing API life is over (code 2635)."""
    return GraphError(
        ErrorBody(
            2635,
            "(#2635) You are calling a deprecated version of the Ads API. "
            f"Please update to the latest version: v27.0. (called: {version})",
            type="FacebookApiException",
        )
    )


def unknown_path(path: str) -> GraphError:
    """Say that nothing answers there (code 2500)."""
    return GraphError(ErrorBody(2500, f"Unknown path components: {path}"))


def invalid_cursor() -> GraphError:
    """Say that the cursor cannot be read or belongs to another query (code 2642)."""
    return GraphError(
        ErrorBody(2642, "(#2642) Invalid cursors values", type="FacebookApiException")
    )


def beyond_history() -> GraphError:
    """Say that the start lies more than 37 months back (code 3018)."""
    return GraphError(
        ErrorBody(
            3018,
            "(#3018) The start date of the time range cannot be beyond 37 months from the current "
            "date",
        )
    )


def invalid_combination(breakdowns: tuple[str, ...]) -> GraphError:
    """Say that these breakdowns do not go together (2/1504041, not 100)."""
    return GraphError(
        ErrorBody(
            2,
            "(#2) No data available: invalid combination of breakdowns: " + ", ".join(breakdowns),
            subcode=1504041,
            is_transient=False,
            user_title="Invalid combination",
            user_message="The metrics and breakdowns you have chosen cannot be combined.",
        )
    )


def asynchronous_only(breakdown: str) -> GraphError:
    """Say that synchronous calls do not answer this breakdown (code 100)."""
    return invalid_parameter(
        f"The {breakdown} breakdown is only supported for asynchronous insights requests"
    )


def wrong_level(level: str, kind: str) -> GraphError:
    """Answer a level above the node asked as Meta does: with an unknown error (1/99)."""
    return GraphError(
        ErrorBody(1, f"An unknown error occurred ({level} at a {kind})", subcode=99, status=500)
    )


def too_much_data() -> GraphError:
    """Say that there are too many rows for one call; a smaller page does not help (100/1487534)."""
    return GraphError(
        ErrorBody(
            100,
            "(#100) Please reduce the amount of data you're asking for, then retry your request",
            subcode=1487534,
            is_transient=False,
            user_title="Too much data was requested",
            user_message="There was too much data requested in this call. Please try a smaller "
            "time range.",
        )
    )


def sync_timed_out() -> GraphError:
    """Say that the synchronous query took too long (2/1504038)."""
    return GraphError(
        ErrorBody(
            2,
            "(#2) Service temporarily unavailable: the query timed out",
            subcode=1504038,
            is_transient=False,
            user_title="Query timed out",
            user_message="Please try a smaller date range, fetch less data, or use async jobs",
        )
    )


def report_not_ready() -> GraphError:
    """Say that the run's rows cannot be read yet, or for a moment (2601/1815107)."""
    return GraphError(
        ErrorBody(
            2601,
            "(#2601) Error accessing adreport job.",
            subcode=1815107,
            is_transient=True,
            user_title="Loading Async Ads Report Failed",
            user_message="Sorry, the report you requested is not ready. Please try again later.",
        )
    )


def account_throttled() -> GraphError:
    """Say that the account's hourly insights budget is used up (80000/2446079)."""
    return GraphError(
        ErrorBody(
            80000,
            "(#80000) There have been too many calls from this ad-account. Wait a bit and try "
            "again. For more info, please refer to "
            "https://developers.facebook.com/docs/graph-api/overview/rate-limiting.",
            subcode=2446079,
            is_transient=True,
        )
    )


def app_throttled() -> GraphError:
    """Say that the app's insights capacity is used up (4/1504022)."""
    return GraphError(
        ErrorBody(
            4,
            "(#4) Application request limit reached",
            subcode=1504022,
            is_transient=True,
            user_title="Please reduce the number of calls",
        )
    )
