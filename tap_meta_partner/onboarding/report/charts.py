"""The charts, drawn by pygal as SVG whose colours are those of the page around it."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pygal
from pygal.style import Style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_meta_partner.onboarding.report.held import Client

# pygal puts a finder for its plugins before all imports that follow, in a form that Python gave up
# in 3.4: with it, each of them would warn. It is there for charts of others, which we have none of.
sys.meta_path[:] = [each for each in sys.meta_path if type(each).__module__ != "pygal"]

_DAY = dt.timedelta(days=1)
_WEEK = 7
_DAYS = 56
_LABELS = 14
#: Each is a colour that the page defines, once for light, dark and paper.
_STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground="var(--ink)",
    foreground_strong="var(--ink)",
    foreground_subtle="var(--faint)",
    colors=("var(--day)", "var(--mean)"),
    font_family="inherit",
    guide_stroke_color="var(--faint)",
    major_guide_stroke_color="var(--faint)",
    guide_stroke_dasharray="none",
    major_guide_stroke_dasharray="none",
    title_font_size=17,
    legend_font_size=13,
    label_font_size=11,
    major_label_font_size=11,
)


def spend_by_day(client: Client, number: int, since: dt.date, until: dt.date) -> str:
    """Draw what a client spent on each day, and the mean of seven.

    Args:
        client: whose.
        number: of the chart on its page.
        since: the first day that is there of anybody.
        until: the last day shown, one that is over.
    """
    length = min(max((until - since).days + 1, _WEEK), _DAYS)
    days = [until - each * _DAY for each in range(length - 1, -1, -1)]
    first = min(client.spend, default=until)
    spend = [client.spend.get(day, Decimal(0)) if day >= first else None for day in days]
    chart = pygal.Line(
        style=_STYLE,
        js=[],
        width=760,
        height=240,
        show_dots=False,
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        truncate_legend=-1,
        truncate_label=-1,
        show_minor_x_labels=False,
        x_labels_major_every=_LABELS,
        title=f"{client.name}, {client.currency} a day",
        value_formatter=lambda value: f"{value:,.0f}",
        range=None if any(spend) else (0, 1),
        include_x_axis=True,
    )
    chart.x_labels = [day.isoformat() for day in days]
    chart.add("a day", [None if each is None else float(each) for each in spend])
    chart.add("mean of seven days", _means(spend), stroke_style={"width": 2.5})
    return _drawn(chart, f"spend-{number}")


def share_by_placement(
    currency: str, shares: Sequence[tuple[str, Decimal | None]], number: int
) -> str:
    """Draw where a currency's spend went, in percent of it."""
    chart = pygal.HorizontalBar(
        style=_STYLE,
        js=[],
        width=760,
        height=110 + 26 * len(shares),
        show_legend=False,
        truncate_label=-1,
        title=f"Share of spend by placement, {currency}",
        value_formatter=lambda value: f"{value:.0f} %",
    )
    # It draws the first at the bottom.
    backwards = list(reversed(shares))
    chart.x_labels = [name for name, _ in backwards]
    chart.add("percent", [float(share or 0) for _, share in backwards])
    return _drawn(chart, f"placements-{number}")


def _means(spend: Sequence[Decimal | None]) -> list[float | None]:
    means: list[float | None] = []
    for last in range(len(spend)):
        week = [each for each in spend[max(last - _WEEK + 1, 0) : last + 1] if each is not None]
        means.append(float(sum(week, Decimal(0)) / _WEEK) if len(week) == _WEEK else None)
    return means


def _drawn(chart: pygal.Line | pygal.HorizontalBar, name: str) -> str:
    """Return the SVG without a script: it has one for tooltips, of a library that is not there."""
    chart.uuid = name
    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag is ET.Comment or str(child.tag).rpartition("}")[2] == "script":
                parent.remove(child)
    return str(ET.tostring(root, encoding="unicode"))
