"""The commands `login` and `refresh`: options in, lines and an exit code out."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import time
import webbrowser
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tap_meta_partner.onboarding.files import StoreError
from tap_meta_partner.onboarding.login.errors import TRY_AGAIN, WRONG_SETTINGS, OAuthError
from tap_meta_partner.onboarding.login.login import LoginOptions, Surroundings
from tap_meta_partner.onboarding.login.login import login as log_in
from tap_meta_partner.onboarding.login.refresh import refresh as do_refresh
from tap_meta_partner.onboarding.login.token_store import (
    VARIABLE,
    EnvFile,
    Keyring,
    default_store,
    keyring_works,
    store_named,
)
from tap_meta_partner.onboarding.saying import say
from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.sources import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_meta_partner.onboarding.login.token_store import TokenStore

_INTERRUPTED = 130


#: Meta lets any port of localhost through; a fixed one can be forwarded over ssh.
_PORT = 8765


_WAIT_SECONDS = 300


_CONFIG = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--config", type=_CONFIG, help="The tap's config.json, with app_id and app_secret.")
@click.option("--config-id", metavar="ID", help="Of Facebook Login for Business; replaces --scope.")
@click.option("--scope", default="ads_read", show_default=True, help="Permissions to ask for.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    metavar="PORT",
    help="Where the browser comes back to.",
)
@click.option("--redirect-uri", metavar="URL", help="If not localhost; forward it to the port.")
@click.option("--dialog-url", metavar="URL", help="Of another dialog, such as a sandbox's.")
@click.option("--no-browser", is_flag=True, help="Only show the address to open.")
@click.option(
    "--wait",
    type=click.IntRange(min=1),
    default=_WAIT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="For the browser to come back.",
)
@click.option("--pkce", is_flag=True, help="Asks for openid too: Meta has PKCE with it only.")
@click.option("--store", metavar="PLACE", help="keyring, .env or a JSON file.")
@click.option("--print", "print_", is_flag=True, help="Token to stdout, stored nowhere.")
@click.option("--show-token", is_flag=True, help="Show the token as well.")
def login(  # noqa: PLR0913  (one for each option)
    *,
    config: Path | None,
    config_id: str | None,
    scope: str,
    port: int,
    redirect_uri: str | None,
    dialog_url: str | None,
    no_browser: bool,
    wait: int,
    pkce: bool,
    store: str | None,
    print_: bool,
    show_token: bool,
) -> None:
    """Let a client log in, and keep a token for its ad accounts.

    Stored in the keyring, or in .env where there is none. Exit: 1 refused or denied,
    2 options or settings, 3 try again, 130 Ctrl-C.
    """
    if print_ and store:
        raise click.UsageError("--print stores the token nowhere: leave out --store.")
    if pkce and config_id:
        raise click.UsageError("--pkce needs the scope openid, which --config-id replaces.")
    options = LoginOptions(
        port=port,
        wait=wait,
        redirect_uri=redirect_uri,
        dialog_host=_dialog_host(dialog_url),
        config_id=config_id,
        scopes=tuple(scope.replace(",", " ").split()),
        pkce=pkce,
    )
    with _in_one_line():
        settings = read_settings(config, token_needed=False)
        place = None if print_ else _place(store)
        token = log_in(
            settings, options, place, _surroundings(print_=print_, browser=not no_browser)
        )
        _give(token, print_=print_, show_token=show_token)
        _warn_of_variable(place)


@click.command()
@click.option("--config", type=_CONFIG, help="The tap's config.json, with app_id and app_secret.")
@click.option("--store", metavar="PLACE", help="Where it is: keyring, .env or a JSON file.")
@click.option("--system-user", is_flag=True, help="A system user's, if Meta does not say so.")
@click.option("--print", "print_", is_flag=True, help="New token to stdout, the stored one stays.")
@click.option("--show-token", is_flag=True, help="Show the new token as well.")
def refresh(
    *,
    config: Path | None,
    store: str | None,
    system_user: bool,
    print_: bool,
    show_token: bool,
) -> None:
    """Extend the stored token by 60 days, before it ends.

    The stored one is replaced in one step, and kept when anything fails. Looked for in the
    keyring, then in .env. Exit: 1 log in again, 2 options or settings, 3 try again.
    """
    with _in_one_line():
        place = store_named(store) if store else _stored_place()
        beside = isinstance(place, EnvFile) and place.path.resolve() == Path(".env").resolve()
        settings = read_settings(config, token_needed=False, token_elsewhere=not beside)
        around = _surroundings(print_=print_, browser=False)
        token = do_refresh(settings, place, around, system_user=system_user, keep=not print_)
        _give(token, print_=print_, show_token=show_token)
        _warn_of_variable(None if print_ else place)


def _dialog_host(url: str | None) -> str | None:
    if url and not url.startswith(("http://", "https://")):
        raise click.UsageError("--dialog-url must begin with https:// (or http:// for a sandbox).")
    return url.rstrip("/") if url else None


def _place(store: str | None) -> TokenStore:
    return store_named(store) if store else default_store(Path.cwd())


def _stored_place() -> TokenStore:
    """Return where `login` has put a token when it was told no place."""
    if keyring_works() and Keyring().read():
        return Keyring()
    return EnvFile(Path.cwd() / ".env")


def _surroundings(*, print_: bool, browser: bool) -> Surroundings:
    return Surroundings(
        # With --print stdout holds the token and nothing else.
        say=partial(say, err=print_),
        open_browser=_open_browser if browser else lambda _address: False,
        now=lambda: dt.datetime.now(dt.timezone.utc),
        sleep=time.sleep,
        jitter=random.random,
    )


def _open_browser(address: str) -> bool:
    with contextlib.suppress(webbrowser.Error, OSError):
        return webbrowser.open(address)
    return False


def _give(token: str, *, print_: bool, show_token: bool) -> None:
    if print_:
        click.echo(token)
    elif show_token:
        click.echo(f"Token: {token}")


def _warn_of_variable(place: TokenStore | None) -> None:
    if place is not None and os.environ.get(VARIABLE):
        say(
            f"Note: {VARIABLE} is set in the environment, and goes before what is stored.", err=True
        )


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    """Turn what can go wrong into a line on stderr and an exit code."""
    try:
        yield
    except OAuthError as error:
        text, code = str(error), error.exit_code
    except StoreError as error:
        text, code = str(error), TRY_AGAIN
    except SettingsError as error:
        text, code = str(error), WRONG_SETTINGS
    except KeyboardInterrupt:
        text, code = "stopped.", _INTERRUPTED
    else:
        return
    say(f"Error: {text}", err=True)
    raise SystemExit(code)
