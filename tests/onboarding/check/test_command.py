"""`meta-partner check` against the sandbox, in this process and as one of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tap_meta_partner import cli
from tap_meta_partner.dimensions.tables import DIMENSIONS
from tap_meta_partner.graph.error_codes import no_answer
from tap_meta_partner.graph.errors import Retriable
from tap_meta_partner.lanes.clock import Clock
from tap_meta_partner.onboarding.check.dimensions import OBJECT_STREAMS
from tap_meta_partner.onboarding.check.examination import Examination
from tap_meta_partner.sandbox import Budget, Fault, Sandbox, TokenInfo, World
from tap_meta_partner.sandbox.graph.tokens import APP_ID
from tap_meta_partner.settings.reading import parse_settings
from tests.support.tap_process import catalog_selecting, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

APP_SECRET = "s3cret-of-the-app"
DAY = 86_400


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own, without settings in the environment."""
    for name in [name for name in os.environ if name.startswith("TAP_META_PARTNER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def check(config: dict[str, Any], *arguments: str) -> Result:
    with open("config.json", "w", encoding="utf-8") as file:  # noqa: PTH123  (in the test's folder)
        json.dump(config, file)
    return CliRunner().invoke(cli.main, ["check", "--config", "config.json", *arguments])


def facts(config: dict[str, Any], *arguments: str) -> dict[str, Any]:
    result = check(config, "--json", *arguments)
    document: dict[str, Any] = json.loads(result.stdout)
    assert document["exit_code"] == result.exit_code
    assert "Traceback" not in result.output
    return document


def problems(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["severity"], each["about"]) for each in document["problems"]]


def config_of(sandbox: Sandbox, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"api_url": sandbox.url, "access_token": sandbox.token, **more}


def test_check__of_a_sound_setup(sandbox: Sandbox) -> None:
    """All accounts the token is assigned to are read; nothing needs a person."""
    world = sandbox.world
    document = facts(config_of(sandbox))
    accounts = {each["account_id"]: each for each in document["accounts"]}

    assert document["exit_code"] == 0
    assert document["verdict"] == "all fine"
    assert set(accounts) == {account.id for account in world.readable()}
    for account in world.readable():
        shown = accounts[account.id]
        assert shown["readable"] is True
        assert (shown["name"], shown["currency"]) == (account.name, account.currency)
        assert shown["timezone_name"] == account.timezone_name
        assert shown["status"] == ("DISABLED" if account.status == 2 else "ACTIVE")
        assert shown["tasks"] == ["ANALYZE"]
        assert shown["last_day_with_spend"] == last_spend(world, account.id)


def last_spend(world: World, account_id: str) -> str | None:
    today = world.account(account_id).today(world.now())
    totals = world.truth.day_totals(account_id, today - dt.timedelta(days=89), today)
    days = [day for day, total in totals.items() if total.spend > 0]
    return str(max(days)) if days else None


def test_check__says_what_it_could_not_see(sandbox: Sandbox) -> None:
    """Without app id and secret there are scopes and accounts, but no expiry, and that is said."""
    document = facts(config_of(sandbox))
    (token,) = document["tokens"]

    assert token["scopes"] == ["ads_read", "business_management"]
    assert token["kind"] is token["expires_at"] is None
    assert any("app_id and app_secret" in text for text in document["not_seen"])


def test_check__with_the_app_sees_all_of_the_token(start_sandbox: Callable[..., Sandbox]) -> None:
    """With app id and secret: kind, app, expiry; and what became of the proof."""
    expires = int(time.time()) + 40 * DAY + 60
    info = TokenInfo(scopes=("ads_read",), expires_at=expires)
    sandbox = start_sandbox(tokens={"T60": info}, app_secret=APP_SECRET)

    document = facts(config_of(sandbox, access_token="T60", app_id=APP_ID, app_secret=APP_SECRET))
    (token,) = document["tokens"]

    assert document["exit_code"] == 0
    assert (token["kind"], token["app_id"]) == ("system user", APP_ID)
    assert token["expires_in_days"] == 40
    assert token["data_access_expires_in_days"] is None
    assert token["proof"] == "required, sent and accepted"
    assert document["not_seen"] == []


@pytest.mark.parametrize(
    ("what", "words"),
    [("expires_at", "the token ends"), ("data_access_expires_at", "the access to data ends")],
)
def test_check__an_end_within_two_weeks(
    start_sandbox: Callable[..., Sandbox], what: str, words: str
) -> None:
    """An end that is near is a warning, and needs a person."""
    info = TokenInfo(type="USER", scopes=("ads_read",), **{what: int(time.time()) + 13 * DAY})  # type: ignore[arg-type]
    sandbox = start_sandbox(tokens={"T": info})

    document = facts(config_of(sandbox, access_token="T", app_id=APP_ID, app_secret=APP_SECRET))
    (problem,) = document["problems"]

    assert document["exit_code"] == 1
    assert problem["severity"] == "warning"
    assert words in problem["what"]
    assert "in 12 days" in problem["what"]


def test_check__an_expired_token(start_sandbox: Callable[..., Sandbox]) -> None:
    """A token that has ended is an error with advice; the accounts are said to be unseen."""
    info = TokenInfo(expires_at=int(time.time()) - 3 * DAY)
    sandbox = start_sandbox(tokens={"OLD-TOKEN": info})
    config = config_of(sandbox, access_token="OLD-TOKEN", app_id=APP_ID, app_secret="x1")

    document = facts(config)

    assert document["exit_code"] == 1
    assert document["tokens"][0]["works"] is False
    assert document["problems"][0]["what"].startswith("the access token has expired")
    assert "Make a new token" in document["problems"][0]["advice"]
    assert any("accounts" in text for text in document["not_seen"])


def test_check__a_refused_token_has_few_lines(sandbox: Sandbox) -> None:
    """What nobody is told of a refused token is left out, and one call is one call."""
    lines = check(config_of(sandbox, access_token="WRONG-TOKEN")).output.splitlines()

    assert "not visible" not in "".join(lines)
    assert any(line.split() == ["accepted", "no"] for line in lines)
    assert not any("1 calls" in line for line in lines)


def test_check__verdict_agrees_with_what_is_listed(sandbox: Sandbox) -> None:
    """What may stay as it is, is advice: where all is fine there is no problem."""
    output = check(config_of(sandbox)).output

    assert "Advice: 1" in output
    assert "Problems" not in output
    assert "all fine (exit code 0)" in output


@pytest.mark.parametrize(
    ("scopes", "business_id", "missing", "unneeded"),
    [
        (("ads_read",), None, [], []),
        (("ads_read", "business_management"), "771234567890123", [], []),
        (("ads_read", "public_profile"), None, [], []),
        (("ads_management",), None, [], ["ads_management"]),
        (("ads_read", "read_insights"), None, [], ["read_insights"]),
        (("ads_read", "business_management"), None, [], ["business_management"]),
        (("ads_read",), "771234567890123", ["business_management"], []),
        (("read_insights",), None, ["ads_read"], ["read_insights"]),
        ((), None, ["ads_read"], []),
    ],
)
def test_check__scopes(
    start_sandbox: Callable[..., Sandbox],
    scopes: tuple[str, ...],
    business_id: str | None,
    missing: list[str],
    unneeded: list[str],
) -> None:
    """What is missing is an error; what is too much is named, and does not change the exit code."""
    sandbox = start_sandbox(tokens={"T": TokenInfo(scopes=scopes)})

    document = facts(config_of(sandbox, access_token="T", business_id=business_id))
    (token,) = document["tokens"]

    assert (token["missing_scopes"], token["unneeded_scopes"]) == (missing, unneeded)
    about_scopes = [each for each in document["problems"] if "may do more" in each["what"]]
    assert bool(about_scopes) == bool(unneeded)
    assert not any(each["needs_person"] for each in about_scopes)
    assert (("error", "access_token") in problems(document)) == bool(missing)
    assert document["exit_code"] == (1 if missing else 0)


def test_check__read_insights_is_explained(start_sandbox: Callable[..., Sandbox]) -> None:
    """Older guides ask for a permission for Pages: said where it is found."""
    sandbox = start_sandbox(tokens={"T": TokenInfo(scopes=("ads_read", "read_insights"))})

    result = check(config_of(sandbox, access_token="T"))

    assert "read_insights is a permission for Pages" in result.output


def test_check__proof_is_missing(start_sandbox: Callable[..., Sandbox]) -> None:
    """An app that requires the proof is recognised, whatever Meta's words for it."""
    sandbox = start_sandbox(app_secret=APP_SECRET)

    document = facts(config_of(sandbox))

    assert problems(document) == [("error", "appsecret_proof")]
    assert "app_secret is not set" in document["problems"][0]["what"]


def test_check__proof_is_wrong(start_sandbox: Callable[..., Sandbox]) -> None:
    """A secret of another app is recognised by the proof and by what the app is not told."""
    sandbox = start_sandbox(app_secret=APP_SECRET)

    document = facts(config_of(sandbox, app_id=APP_ID, app_secret="of-another-app"))

    assert problems(document) == [
        ("error", "appsecret_proof"),
        ("error", "app_id, app_secret"),
    ]
    assert document["tokens"][0]["proof"] == "wrong"


def test_check__proof_is_not_required(sandbox: Sandbox) -> None:
    """A proof that the app does not ask for is sent and does no harm."""
    document = facts(config_of(sandbox, app_secret=APP_SECRET))

    assert document["tokens"][0]["proof"] == "sent and accepted; the app does not require it"
    assert document["exit_code"] == 0


@pytest.mark.parametrize(
    ("version", "alive", "words"),
    [
        ("v26.0", True, "no end announced"),
        ("v25.0", True, "until 2027-02-23"),
        ("v19.0", False, "until 2025-02-04"),
        ("v99.0", False, "not known here"),
    ],
)
def test_check__version(sandbox: Sandbox, *, version: str, alive: bool, words: str) -> None:
    """Whether the version answers, and until when, with the date of what is known."""
    api = facts(config_of(sandbox, api_version=version))["api"]

    assert api["alive"] is alive
    assert words in api["life"]
    assert "as of 2026-11-24" in api["life"]


def test_check__dead_version_is_an_error(sandbox: Sandbox) -> None:
    """A version that has ended needs a person; nothing else is guessed."""
    document = facts(config_of(sandbox, api_version="v19.0"))

    assert problems(document) == [("error", "api_version")]
    assert "Raise api_version" in document["problems"][0]["advice"]


@pytest.mark.parametrize(("minutes", "side"), [(10, "ahead of"), (-10, "behind")])
def test_check__clock(sandbox: Sandbox, minutes: int, side: str) -> None:
    """A clock that is off by minutes is found by Meta's own."""
    off = dt.timedelta(minutes=minutes)
    now = dt.datetime.now(dt.timezone.utc)
    settings = parse_settings(config_of(sandbox), now=now)
    clock = Clock(utc_now=lambda: dt.datetime.now(dt.timezone.utc) + off)

    found = Examination(settings, clock).run()

    assert found.api.clock_skew_seconds == pytest.approx(minutes * 60, abs=3)
    assert [problem.about for problem in found.problems if "clock" in problem.about] == ["clock"]
    assert any(side in problem.what for problem in found.problems)


def test_check__not_assigned_accounts(sandbox: Sandbox) -> None:
    """With business_id: what is shared and nobody assigned, with what to do."""
    (expected,) = [account for account in sandbox.world.accounts if not account.assigned]

    document = facts(config_of(sandbox, business_id=sandbox.world.business.id))
    (problem,) = document["problems"]

    # The tap reads all the others, and ends with 0.
    assert document["exit_code"] == 0
    assert expected.id in problem["about"]
    assert "not assigned" in problem["what"]
    assert "Assign assets" in problem["advice"]
    shown = [each for each in document["accounts"] if each["access"] == "unassigned"]
    assert [(each["account_id"], each["readable"]) for each in shown] == [(expected.id, False)]


def test_check__business_that_is_not_ours(sandbox: Sandbox) -> None:
    """A business that cannot be listed is an error about business_id, not a silent gap."""
    document = facts(config_of(sandbox, business_id="1"))

    assert ("error", "business_id") in problems(document)
    assert document["exit_code"] == 1


def test_check__unreadable_account_in_the_taps_words(sandbox: Sandbox) -> None:
    """An account that Meta refuses is shown with the reason the tap would give."""
    victim = sandbox.world.readable()[0]
    sandbox.fault(Fault(kind="insights", account_id=victim.id, times=None, code=200))

    document = facts(config_of(sandbox))
    (shown,) = [each for each in document["accounts"] if each["account_id"] == victim.id]
    (problem,) = [each for each in document["problems"] if each["needs_person"]]

    assert document["exit_code"] == 1
    assert shown["readable"] is False
    assert "no permission to read this ad account" in shown["reason"]
    assert victim.id in problem["about"]
    assert "Ask the client to share" in problem["advice"]
    assert sum(each["readable"] is True for each in document["accounts"]) == 6


def test_check__too_large_an_account_is_asked_for_less(
    start_sandbox: Callable[..., Sandbox],
) -> None:
    """An account whose 90 days are too much is read with fewer days."""
    sandbox = start_sandbox(max_sync_rows=20)

    document = facts(config_of(sandbox))

    assert document["exit_code"] == 0
    assert all(each["readable"] for each in document["accounts"])


def test_check__accounts_gone_since_last_time(sandbox: Sandbox) -> None:
    """An account that the last check listed and this one does not is named once, by its name."""
    config = config_of(sandbox)
    victim = sandbox.world.readable()[1]
    remembering = ("--remember", "accounts.json")
    first = facts(config, *remembering)
    sandbox.world.revoke(victim.id)

    second = facts(config, *remembering)
    third = facts(config, *remembering)

    assert first["gone"] == third["gone"] == []
    assert [(each["account_id"], each["name"]) for each in second["gone"]] == [
        (victim.id, victim.name)
    ]
    assert second["exit_code"] == 1
    assert second["remembered_in"] == "accounts.json"


def test_check__keeps_nothing_unasked(sandbox: Sandbox, folder: Path) -> None:
    """Without --remember no file is left anywhere."""
    document = facts(config_of(sandbox))

    assert document["remembered_in"] is None
    assert sorted(path.name for path in folder.rglob("*")) == ["config.json"]


def test_check__remembers_where_it_is_told(sandbox: Sandbox, folder: Path) -> None:
    """--remember names the file; what is in it is no secret."""
    file = folder / "seen" / "list.json"

    document = facts(config_of(sandbox), "--remember", str(file))

    assert document["remembered_in"] == str(file)
    assert sandbox.world.readable()[0].id in file.read_text(encoding="utf-8")
    assert sandbox.token not in file.read_text(encoding="utf-8")


def test_check__a_list_that_cannot_be_kept(sandbox: Sandbox, folder: Path) -> None:
    """A folder that cannot be written is said and is no failure."""
    (folder / "file").write_text("", encoding="utf-8")

    document = facts(config_of(sandbox), "--remember", str(folder / "file" / "list.json"))

    assert document["exit_code"] == 0
    assert any("cannot be written" in text for text in document["not_seen"])


def test_check__against_a_state(sandbox: Sandbox, folder: Path) -> None:
    """Accounts with a bookmark that are no longer listed are named with their last day."""
    config = config_of(sandbox)
    victim = sandbox.world.readable()[0]
    state = run_tap(folder, config).state
    (folder / "before.json").write_text(json.dumps(state), encoding="utf-8")
    sandbox.world.revoke(victim.id)

    document = facts(config, "--state", "before.json")
    (gone,) = document["gone"]

    assert gone["account_id"] == victim.id
    assert gone["last_known"].startswith("its bookmark: 20")


def test_check__only_wanted_accounts(sandbox: Sandbox) -> None:
    """The settings' filters hold here too; what they leave out is counted, a wrong id named."""
    wanted = sandbox.world.readable()[0].id

    document = facts(config_of(sandbox, account_ids=[wanted, "999"]))

    assert [each["account_id"] for each in document["accounts"]] == [wanted]
    assert document["not_wanted"] == 6
    assert problems(document)[1:] == [("error", "999")]


def test_check__many_tokens(start_sandbox: Callable[..., Sandbox]) -> None:
    """Each token is shown by its label; a dead one is an error beside the others' accounts."""
    world = World.demo(seed=7)
    first, second, *_ = [account.id for account in world.readable()]
    tokens = {
        "TOKEN-A": TokenInfo(type="USER", scopes=("ads_read",), accounts=(first,)),
        "TOKEN-B": TokenInfo(type="USER", scopes=("ads_read",), accounts=(second,)),
    }
    sandbox = start_sandbox(world, tokens=tokens)
    given = [
        {"access_token": token, "label": f"Client {token[-1]}"}
        for token in ("TOKEN-A", "TOKEN-B", "TOKEN-C")
    ]

    document = facts({"api_url": sandbox.url, "access_tokens": given})

    assert [token["works"] for token in document["tokens"]] == [True, True, False]
    assert {each["account_id"]: each["token"] for each in document["accounts"]} == {
        first: "Client A",
        second: "Client B",
    }
    assert problems(document) == [("error", "Client C")]


def test_check__throttled_accounts_end_with_the_time(
    start_sandbox: Callable[..., Sandbox],
) -> None:
    """A rate limit does not hold a person for hours: what was not read is said."""
    sandbox = start_sandbox(budgets=Budget(account_calls=0))

    document = facts(config_of(sandbox), "--minutes", "0.03")

    assert document["exit_code"] == 1
    assert {each["readable"] for each in document["accounts"]} == {None}
    assert document["seconds"] < 6
    assert "--minutes" in document["problems"][-1]["advice"]


# What comes on the screen.


def test_check__plain_text_without_a_terminal(sandbox: Sandbox) -> None:
    """Into a pipe go lines without colours or drawn boxes, the same facts as in JSON."""
    result = check(config_of(sandbox, business_id=sandbox.world.business.id))
    lines = result.stdout.splitlines()

    assert not set("\x1b│┃╭╰━─") & set(result.stdout)
    assert "Kōbō Coffee 珈琲工房" in result.stdout
    assert "Ad accounts: 8, of which 7 can be read" in lines
    assert any(line.startswith("  warning: ") for line in lines)
    assert any(line.startswith("    do: ") for line in lines)
    assert any(line.split() == ["verdict", "all", "fine", "(exit", "code", "0)"] for line in lines)


def test_check__the_token_is_on_no_screen(start_sandbox: Callable[..., Sandbox]) -> None:
    """Neither token nor app secret nor proof come out, whatever happens."""
    secrets = ("T-secret-token", APP_SECRET)
    sandbox = start_sandbox(tokens={secrets[0]: TokenInfo()}, app_secret=APP_SECRET)
    sandbox.fault(Fault(kind="insights", code=100, message=f"what is {secrets[0]}?"))
    config = config_of(sandbox, access_token=secrets[0], app_id=APP_ID, app_secret=APP_SECRET)

    for arguments in ((), ("--json",), ("--estimate",)):
        output = check(config, *arguments).output
        assert not any(secret in output for secret in secrets)


def test_check__names_do_nothing_to_a_terminal(start_sandbox: Callable[..., Sandbox]) -> None:
    """Control characters in what Meta sends are not passed on."""
    info = TokenInfo(user_name="Eve\x1b[2J\nall fine")
    sandbox = start_sandbox(tokens={"T": info})

    output = check(config_of(sandbox, access_token="T")).stdout

    assert "\x1b" not in output
    assert "\nall fine" not in output


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "access_token is missing"),
        ({"access_token": "T", "max_concurrency": 0}, "max_concurrency is 0"),
        ({"access_token": "two words"}, "access_token contains white space"),
        ({"access_token": "T", "api_url": "http://127.0.0.1:9"}, "no answer from the Graph API"),
    ],
)
def test_check__cannot_check(config: dict[str, Any], words: str) -> None:
    """Exit code 2 and one line, in JSON as well."""
    result = check(config)
    document = json.loads(check(config, "--json").stdout)

    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert (document["exit_code"], document["verdict"]) == (2, "could not check")
    assert words in document["reason"]


def test_check__not_a_graph_api(sandbox: Sandbox) -> None:
    """A proxy's page is recognised as such."""
    sandbox.fault(Fault(times=None, effect="redirect"))

    result = check(config_of(sandbox))

    assert result.exit_code == 2
    assert "does not come from a Graph API" in result.stderr


# As a process.


def process(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tap_meta_partner.cli", "check", *arguments]


def test_check__from_dotenv_in_this_folder(sandbox: Sandbox, folder: Path) -> None:
    """Where the tap's .env lies, no option is needed."""
    lines = [f"TAP_META_PARTNER_ACCESS_TOKEN={sandbox.token}"]
    lines += [f"TAP_META_PARTNER_API_URL={sandbox.url}"]
    (folder / ".env").write_text("\n".join(lines), encoding="utf-8")

    done = subprocess.run(process(), capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    assert "all fine" in done.stdout
    assert sandbox.token not in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_check__ctrl_c_ends_it(start_sandbox: Callable[..., Sandbox], folder: Path) -> None:
    """Ctrl-C ends it at once, with one line."""
    sandbox = start_sandbox(latency=3.0)
    (folder / "config.json").write_text(json.dumps(config_of(sandbox)), encoding="utf-8")

    with subprocess.Popen(
        process("--config", "config.json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        wait_until_asked(sandbox, running)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=10)

    assert (running.returncode, out, err) == (130, "", "stopped\n")


def wait_until_asked(sandbox: Sandbox, running: subprocess.Popen[str]) -> None:
    ends = time.monotonic() + 20
    while not sandbox.calls and time.monotonic() < ends and running.poll() is None:
        time.sleep(0.05)


# What runs will take.


def test_estimate__is_what_a_run_takes(sandbox: Sandbox, folder: Path) -> None:
    """The estimated calls of the first run are those that the tap then makes, give or take."""
    config = config_of(sandbox)
    estimate = facts(config, "--estimate")["estimate"]
    sandbox.calls.clear()
    first = run_tap(folder, config)
    calls = len(sandbox.calls)
    sandbox.calls.clear()
    run_tap(folder, config, state=first.state)

    assert estimate["first"]["calls"] == pytest.approx(calls, abs=3)
    assert estimate["nightly"]["calls"] == pytest.approx(len(sandbox.calls), abs=3)
    assert (estimate["accounts"], estimate["active"]) == (7, 6)


@pytest.mark.parametrize(
    "selected",
    [
        ("campaigns", "adsets", "ads", "adcreatives"),
        ("ads",),
        ("ads", "ads_history"),
        ("campaigns_history",),
        ("activities", "pixels", "images"),
        OBJECT_STREAMS,
    ],
    ids=lambda streams: f"{streams[0]} and {len(streams) - 1}",
)
def test_estimate__counts_dimensions_along(
    start_sandbox: Callable[..., Sandbox], folder: Path, selected: tuple[str, ...]
) -> None:
    """What is named adds the calls that the tap then makes for it, first and each night."""
    sandbox = start_sandbox(World.demo(seed=7), deleted_listed=True)
    config = {**config_of(sandbox), "start_date": "2026-06-01"}
    arguments = [each for stream in selected for each in ("--select", stream)]
    plain = facts(config, "--estimate")["estimate"]
    found = facts(config, *arguments)["estimate"]

    def made(state: dict[str, Any] | None = None) -> tuple[int, dict[str, Any] | None]:
        sandbox.calls.clear()
        catalog = catalog_selecting(config, *selected)
        output = run_tap(folder, config, state=state, catalog=catalog)
        kinds = {DIMENSIONS[name].edge or name for name in DIMENSIONS}
        return sum(call.kind in kinds for call in sandbox.calls), output.state

    first, state = made()
    nightly, _ = made(state)
    assert found["first"]["calls"] - plain["first"]["calls"] == pytest.approx(first, abs=3)
    assert found["nightly"]["calls"] - plain["nightly"]["calls"] == pytest.approx(nightly, abs=3)


def test_select__tells_which_dimensions_can_be_read(
    start_sandbox: Callable[..., Sandbox],
) -> None:
    """Each account is asked for one object; who refuses is named, and nothing else is the worse."""
    guilty = [account.id for account in World.demo(seed=7).readable()[:2]]
    faults = [
        Fault(kind="customaudiences", account_id=each, times=None, code=200, message="(#200) no")
        for each in guilty
    ]
    sandbox = start_sandbox(World.demo(seed=7), faults=faults)
    config = config_of(sandbox)
    arguments = (
        "--select",
        "custom_audiences",
        "--select",
        "activities",
        "--select",
        "ads_history",
    )
    found = facts(config, *arguments)
    output = check(config, *arguments)

    told = {each["name"]: each for each in found["dimensions"]}
    assert set(told) == {"custom_audiences", "activities", "ads"}
    assert {each["asked"] for each in told.values()} == {len(World.demo(seed=7).readable())}
    assert set(told["custom_audiences"]["refused"]) == set(guilty)
    assert told["activities"]["refused"] == told["ads"]["refused"] == {}
    assert found["exit_code"] == facts(config)["exit_code"]
    assert "given by 5 of 7 accounts" in output.stdout
    assert "custom_audiences: refused for 2 of 7 ad accounts" in " ".join(output.stdout.split())


def test_select__token_refused_of_one_dimension_condemns_nothing(
    start_sandbox: Callable[..., Sandbox],
) -> None:
    """A 190 that one account gives for its ads is said of it: the check goes on to its end."""
    guilty = World.demo(seed=7).readable()[0].id
    fault = Fault(kind="ads", account_id=guilty, times=None, code=190, message="Not now")
    sandbox = start_sandbox(World.demo(seed=7), faults=[fault])

    found = facts(config_of(sandbox), "--select", "ads", "--select", "ads", "--select", "pixels")

    told = {each["name"]: each for each in found["dimensions"]}
    assert set(told["ads"]["refused"]) == {guilty}
    assert told["pixels"]["refused"] == {}
    assert len(found["estimate"]["first"]) > 0
    assert found["exit_code"] == facts(config_of(sandbox))["exit_code"]


def test_select__where_nobody_can_be_asked_says_so(start_sandbox: Callable[..., Sandbox]) -> None:
    """Of a dimension for which no account was asked, nothing is claimed."""
    faults = [
        Fault(kind=kind, times=None, code=200, message="(#200) no")
        for kind in ("account", "insights")
    ]
    sandbox = start_sandbox(World.demo(seed=7), faults=faults)

    output = check(config_of(sandbox), "--select", "ads").stdout

    assert "not asked: no account can be read" in output


def test_estimate__of_what_is_no_dimension(sandbox: Sandbox) -> None:
    """A stream that cannot be counted so is said, before anything is asked."""
    output = check(config_of(sandbox), "--select", "adds")

    assert output.exit_code == 2
    assert "ads" in output.stderr
    assert not sandbox.calls


def test_estimate__says_what_it_assumes(sandbox: Sandbox) -> None:
    """Calls, time, share of the limit, and on what grounds."""
    output = check(config_of(sandbox), "--estimate").stdout

    assert "first run" in output
    assert "each night" in output
    assert "% of an account's hourly limit" in output
    assert "Assumed" in output


def test_help__of_check_fits_a_screen() -> None:
    """All of the help is seen without scrolling, and it says what the exit codes mean."""
    lines = CliRunner().invoke(cli.main, ["check", "--help"]).output.splitlines()

    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[-3:]] == ["Exit", "1", "2"]


def test_check__a_line_that_goes_dead(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """When Meta is no longer reached in the middle, that is one line and exit code 2."""

    def silence(*_: object) -> None:
        error = no_answer("the connection was refused")
        assert isinstance(error, Retriable)
        raise error.exhausted()

    monkeypatch.setattr("tap_meta_partner.lanes.driver.Lanes.run", silence)

    result = check(config_of(sandbox))

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: no answer from the Graph API: the connection was")


def test_check__says_that_meta_answers_as_another_version(
    start_sandbox: Callable[..., Sandbox],
) -> None:
    """As a warning, beside the version that is asked."""
    document = facts(config_of(start_sandbox(differs=frozenset({"version_asked"}))))
    said = [each["what"] for each in document["problems"] if each["about"] == "api_version"]

    assert (document["api"]["version"], document["api"]["answered_as"]) == ("v26.0", "v27.0")
    assert said == ["v26.0 is asked, and Meta answers as v27.0"]
    assert document["exit_code"] == 1
