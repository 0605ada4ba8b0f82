"""Which ad accounts were there before: from the last check, or from a Singer state."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tap_meta_partner.onboarding.check.findings import GoneAccount
from tap_meta_partner.settings.model import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any


class LastTime:
    """The accounts that the last check of the same user at the same address listed.

    Args:
        file: where they are kept; holds ids and names, no secret.
        key: whose list it is.
    """

    def __init__(self, file: Path, key: str) -> None:
        self.file = file
        self._key = key
        self._content = _object(file)

    def gone(self, seen: Collection[str]) -> list[GoneAccount]:
        """Return those that are no longer among the `seen`."""
        entry = self._content.get(self._key)
        known = entry.get("accounts") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(known, dict):
            return []
        return [
            GoneAccount(
                account_id=account_id,
                name=str(name),
                last_known=f"last check, {str(entry.get('checked_at', ''))[:10]}",
            )
            for account_id, name in sorted(known.items())
            if account_id not in seen
        ]

    def keep(self, accounts: Mapping[str, str], checked_at: str) -> None:
        """Remember the accounts (names by id) for the next time, or nothing if that fails.

        Raises:
            OSError: the file cannot be written.
        """
        entry = {"checked_at": checked_at, "accounts": dict(sorted(accounts.items()))}
        content = {**self._content, self._key: entry}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        # Replaced as a whole: two checks at once leave one of the two lists, not half of each.
        handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=self.file.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                json.dump(content, out, ensure_ascii=False, indent=1)
            Path(name).replace(self.file)
        except OSError:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise


def gone_from_state(file: Path, seen: Collection[str]) -> list[GoneAccount]:
    """Return the accounts with a bookmark in a Singer state that are no longer listed.

    Args:
        file: the tap's state, also as `meltano state get` prints it.
        seen: the ids listed now.

    Raises:
        SettingsError: the file is no state.
    """
    last: dict[str, str] = {}
    for partition in _partitions(_state(file)):
        context = partition.get("context")
        account_id = str(context.get("account_id", "")) if isinstance(context, dict) else ""
        day = str(partition.get("replication_key_value") or "")[:10]
        if account_id:
            last[account_id] = max(day, last.get(account_id, ""))
    return [
        GoneAccount(
            account_id=account_id,
            name="",
            last_known=f"its bookmark: {day}" if day else "a bookmark without a day",
        )
        for account_id, day in sorted(last.items())
        if account_id not in seen
    ]


def _state(file: Path) -> dict[str, Any]:
    try:
        state = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"--state {file} cannot be read ({type(error).__name__})") from None
    # Meltano wraps it.
    for wrapper in ("completed", "singer_state", "bookmarks"):
        if isinstance(state, dict) and wrapper in state:
            state = state[wrapper]
    if not isinstance(state, dict):
        raise SettingsError(f"--state {file} is no Singer state")
    return state


def _partitions(bookmarks: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        partition
        for stream in bookmarks.values()
        if isinstance(stream, dict)
        for partition in stream.get("partitions") or ()
        if isinstance(partition, dict)
    ]


def _object(file: Path) -> dict[str, Any]:
    """Read the file; one that is not there, or spoilt, remembers nothing."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
