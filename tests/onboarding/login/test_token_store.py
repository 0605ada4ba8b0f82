from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import dotenv
import keyring
import keyring.backend
import keyring.errors
import pytest
from keyring.backends import fail, null

from tap_meta_partner.onboarding.files import StoreError
from tap_meta_partner.onboarding.login import token_store
from tap_meta_partner.onboarding.login.token_store import (
    VARIABLE,
    EnvFile,
    JsonFile,
    Keyring,
    default_store,
    keyring_works,
    store_named,
)

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "EAAB-old-secret", "EAAB-new-secret|x.y_z~-"
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no file modes")


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that works, for one test."""

    priority = 5  # type: ignore[assignment]  (the library's is a property of the class)

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False
        self.forgets = False

    def get_password(self, service: str, username: str) -> str | None:
        """What is kept."""
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keeps it, unless told otherwise."""
        if self.locked:
            raise keyring.errors.KeyringLocked(f"locked, cannot keep {password}")
        if not self.forgets:
            self.entries[service, username] = password


@pytest.fixture
def memory(use_keyring: Any) -> MemoryKeyring:  # noqa: ANN401
    backend = MemoryKeyring()
    use_keyring(backend)
    return backend


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# JSON


@posix_only
def test_json__is_made_for_its_owner_only(tmp_path: Path) -> None:
    """A new file is a config.json with the one setting, mode 0600."""
    store = JsonFile(tmp_path / "token.json")
    assert store.read() is None
    store.check()
    store.write(NEW)

    assert json.loads(store.path.read_text()) == {"access_token": NEW}
    assert mode(store.path) == 0o600
    assert store.read() == NEW
    assert names_in(tmp_path) == {"token.json"}


def test_json__keeps_the_other_settings(tmp_path: Path) -> None:
    """In a config.json with other settings only the token changes."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"start_date": "2026-01-01", "access_token": OLD, "app_id": "é"}))
    path.chmod(0o600)
    JsonFile(path).write(NEW)

    assert json.loads(path.read_text(encoding="utf-8")) == {
        "start_date": "2026-01-01",
        "access_token": NEW,
        "app_id": "é",
    }


@posix_only
@pytest.mark.parametrize("open_to", [0o640, 0o604, 0o660])
def test_json__refuses_a_file_that_others_can_read(tmp_path: Path, open_to: int) -> None:
    """A token does not go where others can read it, and one from there is not trusted."""
    store = JsonFile(tmp_path / "token.json")
    store.path.write_text(json.dumps({"access_token": OLD}))
    store.path.chmod(open_to)

    for action in (store.check, store.read, lambda: store.write(NEW)):
        with pytest.raises(StoreError, match="chmod 600"):
            action()
    assert OLD in store.path.read_text()


@pytest.mark.parametrize("content", ["", "no json", "[]", '"x"'])
def test_json__refuses_what_is_none(tmp_path: Path, content: str) -> None:
    """A file that holds something else is not written over."""
    store = JsonFile(tmp_path / "notes.txt")
    store.path.write_text(content)
    store.path.chmod(0o600)

    with pytest.raises(StoreError, match="not a JSON object"):
        store.write(NEW)
    assert store.path.read_text() == content


# .env


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "{V}={N}\n"),
        ("A=1", "A=1\n{V}={N}\n"),
        ("A=1\n", "A=1\n{V}={N}\n"),
        ("A=1\r\n", "A=1\r\n{V}={N}\r\n"),
        ("# x\n{V}=\nB=2\n", "# x\n{V}={N}\nB=2\n"),
        ("A=1\n{V}={O}\n\n# end", "A=1\n{V}={N}\n\n# end"),
        ("A=1\r\n{V}={O}\r\nB=2\r\n", "A=1\r\n{V}={N}\r\nB=2\r\n"),
        ("export {V} = '{O}'  # ours\nB=2", "export {V} = {N}  # ours\nB=2"),
        ('{V}="{O}"\n', "{V}={N}\n"),
        ("#{V}={O}\n", "#{V}={O}\n{V}={N}\n"),
        ("X{V}={O}\n{V}S=[]\n", "X{V}={O}\n{V}S=[]\n{V}={N}\n"),
        ("{V}={O}\nA=1\n{V}={O}\n", "{V}={N}\nA=1\n{V}={N}\n"),
    ],
)
def test_env__changes_its_line_only(tmp_path: Path, before: str, after: str) -> None:
    """The variable's line is replaced or added; all else, its order and line ends, stay."""
    words = {"{V}": VARIABLE, "{O}": OLD, "{N}": NEW}
    for word, value in words.items():
        before, after = before.replace(word, value), after.replace(word, value)
    store = EnvFile(tmp_path / ".env")
    store.path.write_bytes(before.encode())
    store.write(NEW)

    assert store.path.read_bytes().decode() == after
    assert store.read() == NEW
    assert dotenv.dotenv_values(store.path)[VARIABLE] == NEW
    assert names_in(tmp_path) == {".env"}


def test_env__keeps_bytes_it_does_not_understand(tmp_path: Path) -> None:
    """A line in another encoding comes through as it was."""
    store = EnvFile(tmp_path / ".env")
    store.path.write_bytes(b"NAME=M\xfcller\n")
    store.write(NEW)

    assert store.path.read_bytes() == f"NAME=M\udcfcller\n{VARIABLE}={NEW}\n".encode(
        "utf-8", "surrogateescape"
    )


@posix_only
def test_env__is_its_owners_from_then_on(tmp_path: Path) -> None:
    """A .env that was open to all, as most are, holds a token now and is closed."""
    store = EnvFile(tmp_path / ".env")
    store.path.write_text("A=1\n")
    store.path.chmod(0o644)
    store.write(NEW)

    assert mode(store.path) == 0o600


def test_env__quotes_what_it_must(tmp_path: Path) -> None:
    """A token with a character that .env reads in another way comes back as it was."""
    store = EnvFile(tmp_path / ".env")
    store.write("a#b$c")

    assert store.read() == "a#b$c"
    with pytest.raises(StoreError, match="--print"):
        store.write("it's")
    assert store.read() == "a#b$c"


def test_env__with_bytes_that_are_no_text(tmp_path: Path) -> None:
    """The token is found and replaced; what else is in the file stays, to the byte."""
    store = EnvFile(tmp_path / ".env")
    store.path.write_bytes(b"NAME=caf\xe9\n" + f"{VARIABLE}={OLD}\n".encode())

    assert store.read() == OLD
    store.write(NEW)
    assert store.path.read_bytes() == b"NAME=caf\xe9\n" + f"{VARIABLE}={NEW}\n".encode()


def test_env__none_there(tmp_path: Path) -> None:
    """Without the file, or without the line, there is no token."""
    store = EnvFile(tmp_path / ".env")
    assert store.read() is None
    store.path.write_text(f"{VARIABLE}=\n")

    assert store.read() is None


@pytest.mark.parametrize(
    "before",
    [
        f'NOTE="a text\n{VARIABLE}=old\nover lines"\n',
        f"NOTE='{VARIABLE}=old\n{VARIABLE}=old\n'\nB=2\n",
    ],
)
def test_env__does_not_write_what_would_not_be_read_back(tmp_path: Path, before: str) -> None:
    """Values can go on over lines: where the token would be lost in one nothing is changed."""
    store = EnvFile(tmp_path / ".env")
    store.path.write_text(before)
    with pytest.raises(StoreError, match="is as it was") as caught:
        store.write(NEW)

    assert store.path.read_text() == before
    assert NEW not in str(caught.value)


def test_env__refuses_a_token_that_meltano_would_replace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meltano puts variables in where a value says ${NAME}."""
    monkeypatch.setenv("NAME", "other")
    store = EnvFile(tmp_path / ".env")
    with pytest.raises(StoreError, match="would not be read back"):
        store.write("EAAB${NAME}")

    assert names_in(tmp_path) == set()


# Both kinds of file


@posix_only
@pytest.mark.parametrize("name", [".env", "token.json"])
def test_files__left_by_a_killed_write_are_ignored_by_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whatever the project's .gitignore says: what lies there holds a token."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    # As a kill does: nothing comes after the write.
    monkeypatch.setattr(token_store.os, "replace", full_disk)
    monkeypatch.setattr(shutil, "rmtree", lambda *_arguments, **_more: None)
    with pytest.raises(StoreError):
        store_named(str(tmp_path / name)).write(NEW)

    (left,) = tmp_path.glob(".meta-partner-*")
    assert NEW in (left / name).read_text()
    assert (mode(left), mode(left / name)) == (0o700, 0o600)
    seen = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--porcelain"], capture_output=True, check=True
    )
    assert seen.stdout == b""


@posix_only
@pytest.mark.parametrize("name", [".env", "token.json"])
def test_files__a_pipe_is_no_place_for_a_token(tmp_path: Path, name: str) -> None:
    """It is said at once, not waited for."""
    os.mkfifo(tmp_path / name)
    store = store_named(str(tmp_path / name))

    for action in (store.check, store.read, lambda: store.write(NEW)):
        with pytest.raises(StoreError, match="is not a file"):
            action()


def test_json__that_is_too_deep(tmp_path: Path) -> None:
    """One line, and no traceback a thousand lines long."""
    store = JsonFile(tmp_path / "token.json")
    store.path.write_text("[" * 100_000)
    store.path.chmod(0o600)

    with pytest.raises(StoreError, match="is not a JSON object"):
        store.read()


def test_store_named__without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A uid that nobody gave a name has no home to look in."""

    def nobody(_path: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(token_store.Path, "expanduser", nobody)

    with pytest.raises(StoreError, match="write the path in full"):
        store_named("~/token.json")


def full_disk(*_arguments: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("name", [".env", "token.json"])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_files__keep_the_old_token_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, step: str
) -> None:
    """A write that fails, however late, leaves the old file and nothing else."""
    store = store_named(str(tmp_path / name))
    store.write(OLD)
    before = (tmp_path / name).read_bytes()

    monkeypatch.setattr(token_store.os, step, full_disk)
    with pytest.raises(StoreError, match="is as it was: No space left on device") as caught:
        store.write(NEW)

    assert (tmp_path / name).read_bytes() == before
    assert names_in(tmp_path) == {name}
    assert NEW not in str(caught.value)


@posix_only
def test_files__a_link_stays_a_link(tmp_path: Path) -> None:
    """Where the path is a link, what it points at is replaced."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    link = tmp_path / ".env"
    link.symlink_to(folder / "real.env")
    EnvFile(link).write(NEW)

    assert link.is_symlink()
    assert EnvFile(folder / "real.env").read() == NEW
    assert names_in(folder) == {"real.env"}


def test_files__need_a_folder(tmp_path: Path) -> None:
    """It is known before a login that there is nowhere to write."""
    with pytest.raises(StoreError, match="no folder"):
        JsonFile(tmp_path / "missing" / "token.json").check()


def test_files__a_folder_is_no_file(tmp_path: Path) -> None:
    """A path that cannot be read as a file is said in one line."""
    with pytest.raises(StoreError, match="cannot be read"):
        EnvFile(tmp_path).check()


# Keyring


def test_keyring__keeps_a_token(memory: MemoryKeyring) -> None:
    """The entry is the one that `keyring get tap-meta-partner access_token` shows."""
    store = Keyring()
    assert store.read() is None
    store.check()
    store.write(NEW)

    assert store.read() == NEW
    assert memory.entries == {("tap-meta-partner", "access_token"): NEW}


def test_keyring__one_entry_per_client(memory: MemoryKeyring) -> None:
    """`keyring:NAME` is an entry of its own."""
    store_named("keyring:acme").write(NEW)

    assert memory.entries == {("tap-meta-partner", "acme"): NEW}


def test_keyring__locked(memory: MemoryKeyring) -> None:
    """A keyring that refuses keeps the old token; its words, which quote ours, are not shown."""
    Keyring().write(OLD)
    memory.locked = True

    with pytest.raises(StoreError, match=r"the keyring refused \(KeyringLocked\)") as caught:
        Keyring().write(NEW)
    assert NEW not in str(caught.value)
    assert caught.value.__suppress_context__
    assert Keyring().read() == OLD


def test_keyring__that_forgets(memory: MemoryKeyring) -> None:
    """A keyring that says yes and keeps nothing is noticed."""
    memory.forgets = True

    with pytest.raises(StoreError, match="did not keep"):
        Keyring().write(NEW)


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring], ids=["fail", "null"])
def test_keyring__none_that_works(use_keyring: Any, tmp_path: Path, backend: Any) -> None:  # noqa: ANN401
    """On a server without a keyring the token goes into .env; asked for, that is an error."""
    use_keyring(backend())

    assert not keyring_works()
    assert default_store(tmp_path) == EnvFile(tmp_path / ".env")
    with pytest.raises(StoreError, match="no keyring that works"):
        Keyring().check()


def test_keyring__not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library: .env; asked for, how to install it."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    assert default_store(tmp_path) == EnvFile(tmp_path / ".env")
    with pytest.raises(StoreError, match=r"tap-meta-partner\[keyring\]"):
        Keyring().read()


@pytest.mark.usefixtures("memory")
def test_default__is_the_keyring_where_there_is_one(tmp_path: Path) -> None:
    """On a desktop the token goes into the keyring."""
    assert default_store(tmp_path) == Keyring()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("keyring", Keyring),
        (".env", EnvFile),
        ("acme.env", EnvFile),
        (".env.prod", EnvFile),
        ("token.json", JsonFile),
        ("secrets/token", JsonFile),
    ],
)
def test_store_named__by_its_form(name: str, kind: type) -> None:
    """The word keyring, names of .env files, and any other file as JSON."""
    store = store_named(name)

    assert isinstance(store, kind)
    assert name.partition(":")[0] in store.where
