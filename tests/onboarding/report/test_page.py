from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from tap_meta_partner.onboarding.report import page as report_page
from tap_meta_partner.onboarding.report.held import Client, Held, LastNight, Placement
from tap_meta_partner.onboarding.report.page import MOST_CHARTS, MOST_ROWS, page

NEWEST = dt.date(2026, 3, 10)


def held(clients: int = 2, name: str = "Client", **others: object) -> Held:
    """So many clients with a month of days each, all in euros."""
    values: dict[str, object] = {
        "campaigns": None,
        "weeks": None,
        "placements": None,
        "last_night": None,
        **others,
    }
    return Held(
        clients={
            str(number): Client(
                account_id=str(number),
                name=f"{name} {number}",
                currency="EUR",
                spend={NEWEST - dt.timedelta(days=day): Decimal(number + day) for day in range(28)},
            )
            for number in range(clients)
        },
        newest=NEWEST,
        **values,  # type: ignore[arg-type]
    )


def charts_of(text: str) -> list[ET.Element]:
    return [ET.fromstring(each) for each in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]  # noqa: S314  (our own)


def test_page__draws_a_chart_for_each_client() -> None:
    """Named, with its currency and a legend that tells the two lines apart."""
    drawn = charts_of(page(held()))
    words = [" ".join(chart.itertext()) for chart in drawn]

    assert len(drawn) == 2
    for number, said in zip((1, 0), words, strict=True):  # who spends most comes first
        assert f"Client {number}, EUR a day" in said
        assert "a day" in said
        assert "mean of seven days" in said


def test_page__loads_and_runs_nothing() -> None:
    """One file that can be sent by mail and opened anywhere."""
    text = page(held(placements=[a_placement("feed")]))

    assert "<script" not in text
    assert re.findall(r"(?:src|href)=", text.replace("xlink:href", "")) == []
    assert "Content-Security-Policy" in text
    assert "@import" not in text


def test_page__shows_any_name_as_a_name() -> None:
    """A client may be called anything, in the table and in the chart."""
    text = page(held(name="<script>alert(1)</script> & Söhne"))

    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; Söhne 0") >= 2


def test_page__of_a_thousand_clients_stays_small() -> None:
    """At most so many charts and rows; the rest is counted, and how to see it said."""
    text = page(held(1000))

    assert len(charts_of(text)) == MOST_CHARTS
    assert len(re.findall("<tr>", text)) == 1 + MOST_ROWS
    assert "… and 800 more: name the accounts with --account." in text
    assert len(text) < 2_000_000


def test_page__says_what_is_not_there() -> None:
    """A table that was not loaded is named; the others are shown."""
    text = page(held())

    assert "the report weekly_reach was not loaded" in text
    assert "the report by_placement was not loaded" in text
    assert "account_sync_status was not loaded" in text


def a_placement(position: str) -> Placement:
    return Placement(
        currency="EUR",
        platform="facebook",
        position=position,
        spend=Decimal(1),
        impressions=10,
        clicks=1,
    )


def test_page__draws_where_the_money_went() -> None:
    """A bar for each placement, in percent of its currency."""
    text = page(held(placements=[a_placement("feed"), a_placement("story")]))
    said = " ".join(charts_of(text)[-1].itertext())

    assert "Share of spend by placement, EUR" in said
    assert "facebook, feed" in said
    assert "50 %" in said


def test_page__has_colours_for_light_dark_and_paper() -> None:
    """Charts take theirs from the page, which defines each for light and dark; paper is light."""
    text = page(held())
    used = set(re.findall(r"var\((--\w+)\)", text))
    light, dark = re.findall(r":root \{[^}]*\}", text)

    assert used
    assert all(f"{name}:" in light and f"{name}:" in dark for name in used - {"--soft"})
    assert "@media screen and (prefers-color-scheme: dark)" in text


@pytest.mark.parametrize("amounts", [[], [0, 0, 0], [5], [1, 10**12]])
def test_page__draws_whatever_there_is(amounts: list[int]) -> None:
    """A client without spend has no chart; one day or huge amounts have one."""
    client = Client(
        account_id="1",
        name="A",
        currency="EUR",
        spend={
            NEWEST - dt.timedelta(days=1 + day): Decimal(each) for day, each in enumerate(amounts)
        }
        or {NEWEST: Decimal(0)},
    )
    one = Held(
        clients={"1": client},
        newest=NEWEST,
        campaigns=[],
        weeks=[],
        placements=[],
        last_night=[LastNight(account_id="1", client="A", result="delivered", reason="")],
    )

    assert len(charts_of(report_page.page(one))) == (1 if any(amounts) else 0)
