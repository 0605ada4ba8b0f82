"""A call to the Graph API, and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final, Literal, TypeAlias

    from tap_meta_partner.graph import errors
    from tap_meta_partner.graph.usage import Usage


#: Reads an answer's bytes.
Decode: TypeAlias = "Callable[[bytes | bytearray], dict[str, Any] | None]"


#: Which token a call carries: one of the settings', counted from 0, or the app's own.
Credential: TypeAlias = "int | Literal['app']"


#: The app's own token ("app id|app secret"), which may ask about the tokens that the app made.
APP: Final = "app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to the Graph API.

    Attributes:
        path: below the version, for example `act_1/insights`.
        params: parameters; lists and objects are sent as JSON.
        method: GET, or POST to create a report run.
        account_id: the ad account whose limits it counts for, without `act_`.
        token: which token it carries: a place among the settings' tokens, or `APP`.
        decode: reads the bytes of an answer with `data` at less cost than is usual, and returns
            None where it cannot.
    """

    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    method: str = "GET"
    account_id: str | None = None
    token: Credential = 0
    decode: Decode | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: data, or an error; either way with the usage its headers tell.

    Attributes:
        date: the `Date` header, when the server says it answered.
        version: the version that it answers as (`facebook-api-version`); a pin is none, since Meta
            answers calls to a version as a later one before the version has ended.
        warning: what `X-Ad-Api-Version-Warning` says of that.
    """

    body: dict[str, Any] | errors.MetaError
    usage: Usage
    date: str | None = None
    version: str | None = None
    warning: str | None = None


#: Listens to calls and their answers as they came: status, headers and bytes.
Exchanged: TypeAlias = "Callable[[Call, int, Mapping[str, str], bytes | bytearray], None]"
