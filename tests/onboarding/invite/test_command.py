"""`meta-partner invite`: the instructions, and waiting for what comes of them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.onboarding.invite.invitation import FORMATS, invitation
from tap_meta_partner.onboarding.invite.watching import Watch
from tap_meta_partner.sandbox import Fault, Sandbox, World
from tap_meta_partner.settings.model import Settings
from tests.support.page_blocks import page_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

OURS = "771234567890123"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own, without settings in the environment."""
    for name in [name for name in os.environ if name.startswith("TAP_META_PARTNER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invite(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["invite", *arguments])


@pytest.mark.parametrize("form", FORMATS)
def test_invite__says_all_in_each_format(form: str) -> None:
    """The client's name, our ID, one permission only, how to take it back: no token needed."""
    result = invite("--business-id", OURS, "--client", "Kōbō Coffee", "--format", form)

    assert result.exit_code == 0
    for words in (
        "Kōbō Coffee",
        OURS,
        "View performance",
        "nothing else",
        "Give a partner access to your assets",
        "remove us as a partner",
        "What we cannot do or see",
    ):
        assert words.lower() in result.stdout.lower()
    assert "{" not in result.stdout
    for more in ("Manage campaigns", "Advertiser", "Full control", "None"):
        assert more not in result.stdout


def test_invite__uses_the_words_of_the_page() -> None:
    """docs/access.md tells clients the same path."""
    page = page_text("access")

    for words in ("Give a partner access to your assets", "View performance", "Analyst"):
        assert words in page
        assert words in invite("--business-id", OURS).stdout


def test_invite__without_a_name() -> None:
    """Without a client's name it greets without one."""
    assert invite("--business-id", OURS).stdout.startswith("Hello,\n")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ANN401, ARG002
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_invite__html_is_sound_and_escaped() -> None:
    """Every tag is ours and closed; a client's name is text, whatever it holds."""
    name = "<script>alert('1')</script> & *Sons* {id}"
    parser = _Tags()
    parser.feed(invite("--business-id", OURS, "--client", name, "--format", "html").stdout)

    assert parser.open == []
    assert parser.seen == {"p", "h2", "ol", "ul", "li", "strong", "code", "a"}
    assert name in parser.text


def test_invite__markdown_is_escaped() -> None:
    """A client's name makes no link and no emphasis."""
    text = FORMATS["markdown"](invitation(OURS, "[A*](http://x) <b>"))

    assert text.startswith("Hello \\[A\\*\\](http://x) \\<b\\>,\n")


def test_invite__a_name_is_one_line() -> None:
    """Control characters in a name do nothing to a terminal."""
    output = invite("--business-id", OURS, "--client", "A\x1b[2J\nB").stdout

    assert output.startswith("Hello A?[2J B,\n")


def test_invite__our_id_from_the_settings(folder: Path) -> None:
    """`business_id` of the settings is ours."""
    (folder / ".env").write_text(f"TAP_META_PARTNER_BUSINESS_ID={OURS}\n", encoding="utf-8")

    assert OURS in invite().stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Give --business-id"),
        (("--business-id", "act_1"), "--business-id must be digits"),
        (("--business-id", OURS, "--watch"), "access_token is missing"),
        (("--business-id", OURS, "--config", "none.json"), "none.json cannot be read"),
    ],
)
def test_invite__mistakes_are_one_line(arguments: tuple[str, ...], words: str) -> None:
    """One line, exit code 2, nothing to send."""
    result = invite(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(rf"Error: .*{words}.*\n", result.stderr)


def test_help__of_invite_fits_a_screen() -> None:
    """All of the help is seen without scrolling."""
    lines = invite("--help").output.splitlines()

    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80


# Waiting.


class Evening:
    """Time that passes fast, faster while somebody sleeps, and what happens in it."""

    def __init__(self, *happenings: Callable[[], None]) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.said: list[str] = []
        self._happenings = list(happenings)

    def monotonic(self) -> float:
        """Return the seconds slept, and a hundred for each real one."""
        return self.now + time.monotonic() * 100

    def sleep(self, seconds: float) -> None:
        """Let time pass, and the next thing happen."""
        self.now += seconds
        self.slept.append(seconds)
        if self._happenings:
            self._happenings.pop(0)()

    def watch(self, sandbox: Sandbox, **more: Any) -> Watch:  # noqa: ANN401
        """Watch the list in this time."""
        settings = Settings(access_token=sandbox.token, api_url=sandbox.url, **more)
        clock = Clock(monotonic=self.monotonic, jitter=lambda: 0.0, second=0.01)
        return Watch(settings=settings, clock=clock, sleep=self.sleep, say=self.said.append)


def nothing() -> None:
    pass


def test_watch__names_the_account_that_appears(sandbox: Sandbox) -> None:
    """It waits until an account can be read that could not before."""
    new = sandbox.world.readable()[2]
    sandbox.world.revoke(new.id)
    evening = Evening(nothing, lambda: sandbox.world.restore(new.id))

    found = evening.watch(sandbox, account_ids=("1",)).until_new(60)

    assert [(account.account_id, account.name) for account in found] == [(new.id, new.name)]
    assert "6 ad accounts" in evening.said[0]


def test_watch__tells_of_a_share_that_is_not_assigned(sandbox: Sandbox) -> None:
    """With business_id it says what is shared and still has to be assigned, once."""
    (shared,) = [account for account in sandbox.world.accounts if not account.assigned]
    sandbox.world.revoke(shared.id)
    evening = Evening(nothing, lambda: sandbox.world.restore(shared.id))

    found = evening.watch(sandbox, business_id=sandbox.world.business.id).until_new(10)

    assert found == []
    (said,) = [text for text in evening.said if "not assigned yet" in text]
    assert shared.id in said


def test_watch__looks_less_often_and_ends(sandbox: Sandbox) -> None:
    """The intervals grow up to two minutes; after the minutes given it is over."""
    evening = Evening()

    assert evening.watch(sandbox).until_new(30) == []
    assert 20 * 60 < sum(evening.slept) <= 30 * 60
    assert evening.slept[0] == 10
    assert max(evening.slept) == 120
    assert evening.slept[:-1] == sorted(evening.slept[:-1])
    assert len(sandbox.calls) < 30


def test_watch__passes_over_a_bad_moment(sandbox: Sandbox) -> None:
    """A look that fails is said and the next one counts."""
    new = sandbox.world.readable()[0]
    sandbox.world.revoke(new.id)

    def storm() -> None:
        sandbox.world.restore(new.id)
        sandbox.fault(Fault(kind="ad_accounts", times=3, effect="html_500"))

    found = Evening(storm).watch(sandbox).until_new(60)

    assert [account.account_id for account in found] == [new.id]


def test_watch__says_id_and_name_on_stdout(sandbox: Sandbox, folder: Path) -> None:
    """As a process: the instructions, then the id; Ctrl-C and the end of time are clean."""
    config = {"api_url": sandbox.url, "access_token": sandbox.token, "business_id": OURS}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "tap_meta_partner.cli", "invite", "--config", "config.json"]

    over = subprocess.run(
        [*command, "--watch", "--watch-minutes", "0.01"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert over.returncode == 1
    assert OURS in over.stdout
    assert over.stderr.splitlines()[-1] == "no new ad account within 0.01 minutes"
    assert sandbox.token not in over.stdout + over.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_watch__ctrl_c_ends_it(sandbox: Sandbox, folder: Path) -> None:
    """Ctrl-C ends the waiting with a line and no traceback."""
    config = {"api_url": sandbox.url, "access_token": sandbox.token, "business_id": OURS}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "tap_meta_partner.cli", "invite", "--config", "config.json"]

    with subprocess.Popen(
        [*command, "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        assert "waiting for a new one" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=10)

    assert running.returncode == 130
    assert err.startswith("stopped")


def test_watch__in_the_command(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account that appears is the last line of stdout."""
    new = sandbox.world.readable()[1]
    sandbox.world.revoke(new.id)
    monkeypatch.setattr("time.sleep", lambda _: sandbox.world.restore(new.id))
    monkeypatch.setenv("TAP_META_PARTNER_API_URL", sandbox.url)
    monkeypatch.setenv("TAP_META_PARTNER_ACCESS_TOKEN", sandbox.token)

    result = invite("--business-id", OURS, "--watch")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"new ad account: {new.id} ({new.name})"


def test_watch__of_a_dead_token(start_sandbox: Callable[..., Sandbox]) -> None:
    """A token that does not work is said at once."""
    sandbox = start_sandbox(World.demo(seed=7))
    config = {"api_url": sandbox.url, "access_token": "dead", "business_id": OURS}
    with open("config.json", "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(config, file)

    result = invite("--config", "config.json", "--watch")

    assert result.exit_code == 2
    assert "does not accept the access token" in result.stderr
