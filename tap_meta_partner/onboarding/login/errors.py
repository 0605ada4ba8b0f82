"""Why a login failed, by who can do something about it."""

from __future__ import annotations

# Exit codes: what a scheduler can do about it.
NEEDS_A_PERSON = 1


WRONG_SETTINGS = 2


TRY_AGAIN = 3


LOG_IN_AGAIN = "Run `meta-partner login` again"


class OAuthError(Exception):
    """No token came of it; the text is one line, says what to do and holds no secret.

    Attributes:
        exit_code: 1 a person has to act, 2 a setting is wrong, 3 trying again may help.
    """

    def __init__(self, text: str, exit_code: int = NEEDS_A_PERSON) -> None:
        super().__init__(text)
        self.exit_code = exit_code
