"""Where a token lies between runs: the system's keyring, a JSON file, or Meltano's `.env`.

A store is replaced whole or not at all: whoever reads it meanwhile, or after a crash, a full disk
or a refusal, finds the old token or the new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tap_meta_partner.onboarding.files import StoreError, read_text, replace_file
from tap_meta_partner.outputs.secrecy import hide
from tap_meta_partner.settings.sources import PREFIX, env_variables

if TYPE_CHECKING:
    import types
    from typing import Any

KEYRING_SERVICE = "tap-meta-partner"


KEYRING_NAME = "access_token"


_SETTING = "access_token"


VARIABLE = PREFIX + _SETTING.upper()


_KEYRING_EXTRA = "pip install 'tap-meta-partner[keyring]'"


_OTHERS = stat.S_IRWXG | stat.S_IRWXO


#: The variable's line in a .env file, with what stands before and behind its value.
_LINE = re.compile(
    rf"""^(?P<before>[ \t]*(?:export[ \t]+)?{VARIABLE}[ \t]*=[ \t]*)
    (?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\r\n]*?)
    (?P<behind>(?:[ \t]+\#[^\r\n]*)?[ \t]*)(?=\r?$)""",
    re.VERBOSE | re.MULTILINE,
)


class TokenStore(Protocol):
    """A place for one token."""

    @property
    def where(self) -> str:
        """What to call it in a sentence."""

    def check(self) -> None:
        """Raise `StoreError` if it is known that `write` would fail."""

    def read(self) -> str | None:
        """Return the token, None if there is none."""

    def write(self, token: str) -> None:
        """Replace the token, or leave the old one and raise `StoreError`."""


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A JSON file with the setting `access_token`: what `tap-meta-partner --config` reads.

    Other settings in it stay. It must be nobody else's to read.
    """

    path: Path

    @property
    def where(self) -> str:
        """The file."""
        return str(self.path)

    def check(self) -> None:
        """Raise if it is open to others, no JSON object, or in a folder that takes no file."""
        self._content()
        _check_folder(self.path)

    def read(self) -> str | None:
        """Return the setting."""
        token = self._content().get(_SETTING)
        hide(token)
        return token if isinstance(token, str) and token else None

    def write(self, token: str) -> None:
        """Replace the setting."""
        content = {**self._content(), _SETTING: token}
        replace_file(self.path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def _content(self) -> dict[str, Any]:
        text = read_text(self.path)
        if text is None:
            return {}
        if os.name == "posix" and self.path.stat().st_mode & _OTHERS:
            raise StoreError(
                f"{self.path} can be read by other users of this machine: "
                f"run `chmod 600 {self.path}` first."
            )
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise StoreError(f"{self.path} is not a JSON object: name another file.")
        return content


@dataclass(frozen=True, slots=True)
class EnvFile:
    """A `.env` file, as Meltano reads it by itself. Every other line stays as it is."""

    path: Path

    @property
    def where(self) -> str:
        """The variable and the file."""
        return f"{VARIABLE} in {self.path}"

    def check(self) -> None:
        """Raise if it is no text, or in a folder that takes no file."""
        read_text(self.path)
        _check_folder(self.path)

    def read(self) -> str | None:
        """Return the variable's value, as Meltano would find it in the file."""
        token = env_variables(read_text(self.path) or "").get(VARIABLE) or None
        hide(token)
        return token

    def write(self, token: str) -> None:
        """Replace the variable's line, or add one; the file is ours alone to read from then on."""
        text = read_text(self.path) or ""
        # Meta promises no alphabet: what .env could read in another way goes into quotes.
        value = token if re.fullmatch(r"[\w.|~+/=-]+", token, re.ASCII) else f"'{token}'"
        if "'" in token or "\\" in token:
            raise StoreError(f"the token has characters that {self.path} cannot hold: use --print.")
        found, replaced = _LINE.subn(lambda line: f"{line['before']}{value}{line['behind']}", text)
        if not replaced:
            ends = "\r\n" if "\r\n" in text else "\n"
            found = (
                f"{text}{ends if text and not text.endswith(ends) else ''}{VARIABLE}={value}{ends}"
            )
        _check_read_back(self.path, text, found, token)
        replace_file(self.path, found)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keyring of the operating system: Keychain, Credential Locker, Secret Service, KWallet."""

    name: str = KEYRING_NAME

    @property
    def where(self) -> str:
        """The entry, as the `keyring` command takes it."""
        return f"the keyring, entry `{KEYRING_SERVICE} {self.name}`"

    def check(self) -> None:
        """Raise if there is no keyring here."""
        if _keyring() is None:
            raise StoreError("the keyring library is missing: " + _KEYRING_EXTRA)
        if not keyring_works():
            raise StoreError(
                "this machine has no keyring that works (a server seldom has one): "
                "use --store .env, --store FILE or --print."
            )

    def read(self) -> str | None:
        """Return the entry."""
        library = self._library()
        try:
            found: str | None = library.get_password(KEYRING_SERVICE, self.name)
        except Exception as error:  # noqa: BLE001  (each backend has errors of its own)
            raise _trouble(error) from None
        return found or None

    def write(self, token: str) -> None:
        """Replace the entry, and see that it is there."""
        library = self._library()
        try:
            library.set_password(KEYRING_SERVICE, self.name, token)
            kept = library.get_password(KEYRING_SERVICE, self.name)
        except Exception as error:  # noqa: BLE001  (as above)
            raise _trouble(error) from None
        if kept != token:
            raise StoreError("the keyring did not keep the token: use --store .env or --print.")

    def _library(self) -> types.ModuleType:
        self.check()
        library = _keyring()
        assert library is not None  # noqa: S101  (just checked)
        return library


def _check_read_back(path: Path, before: str, after: str, token: str) -> None:
    """Check that a reader of the file will find the token, and everything else as it was.

    A value can go on over several lines, a quote above ours may not be closed, and Meltano replaces
    `${NAME}` where `meta-partner` does not.

    Raises:
        StoreError: it would not be read as it is written.
    """
    for interpolate in (False, True):
        old = env_variables(before, interpolate=interpolate)
        if env_variables(after, interpolate=interpolate) != {**old, VARIABLE: token}:
            raise StoreError(
                f"{path} was not written and is as it was: the token would not be read back from "
                "it. Look for a quotation mark that is not closed, or use --print."
            )


def store_named(name: str) -> TokenStore:
    """Return the store that `--store` names: keyring, keyring:NAME, a .env file, a JSON file."""
    kind, _, entry = name.partition(":")
    if kind == "keyring":
        return Keyring(entry or KEYRING_NAME)
    try:
        path = Path(name).expanduser()
    except RuntimeError:
        # Neither HOME nor an entry in passwd.
        raise StoreError(f"{name}: there is no home folder here; write the path in full.") from None
    if path.name == ".env" or path.suffix == ".env" or path.name.startswith(".env."):
        return EnvFile(path)
    return JsonFile(path)


def default_store(folder: Path) -> TokenStore:
    """Return the keyring where there is one that works, else `.env` in the folder."""
    return Keyring() if keyring_works() else EnvFile(folder / ".env")


def keyring_works() -> bool:
    """Tell whether the library is installed and has found a keyring worth trusting."""
    library = _keyring()
    if library is None:
        return False
    with contextlib.suppress(Exception):  # a backend that cannot even be made does not work
        # Below 1 are the placeholder that always fails, the one that forgets, and plain text files.
        return float(library.get_keyring().priority) >= 1
    return False


def _check_folder(path: Path) -> None:
    folder = path.resolve().parent
    if not folder.is_dir():
        raise StoreError(f"there is no folder {folder}: create it first.")
    if not os.access(folder, os.W_OK):
        raise StoreError(f"nothing can be written into {folder}: name another file with --store.")


def _trouble(error: Exception) -> StoreError:
    # The text of a backend's error is not ours to trust with a token.
    return StoreError(
        f"the keyring refused ({type(error).__name__}): unlock it, or use --store .env or --print."
    )


def _keyring() -> types.ModuleType | None:
    """Return the keyring library, None where it is not installed."""
    try:
        import keyring  # noqa: PLC0415  (an extra)
    except ImportError:
        return None
    return keyring
