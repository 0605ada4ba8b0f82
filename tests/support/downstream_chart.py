"""A chart of daily spend as SVG: small panels, one a client, each with a scale of its own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from xml.sax.saxutils import escape

_COLUMNS = 2
_WIDTH, _HEIGHT = 400, 150  # of a panel, its margins included
_LEFT, _RIGHT, _TOP, _BOTTOM = 16, 16, 34, 22
_HEAD = 58  # title and legend
_PALE, _GREY, _BLUE, _INK, _SOFT = "#d3dbe6", "#b4bcc6", "#1558b0", "#1c1e21", "#606770"
_TITLE = "Spend by day, each client in its own currency"
_WEEK = 7
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Panel:
    """One client.

    Attributes:
        since: the first day shown.
        until: the last one.
        spend: by day, in `currency`; a day that is not there had none.
        open_days: those of which Meta may still correct the numbers.
    """

    client: str
    currency: str
    since: dt.date
    until: dt.date
    spend: dict[dt.date, Decimal] = field(default_factory=dict)
    open_days: set[dt.date] = field(default_factory=set)

    @property
    def days(self) -> list[dt.date]:
        """Every day shown."""
        return [self.since + number * _DAY for number in range((self.until - self.since).days + 1)]

    def mean(self, day: dt.date) -> Decimal | None:
        """The mean of the seven days that end with this one; None before there are so many."""
        if day < self.since + (_WEEK - 1) * _DAY:
            return None
        week = [self.spend.get(day - number * _DAY, Decimal(0)) for number in range(_WEEK)]
        return sum(week, Decimal(0)) / _WEEK


def drawn(panels: list[Panel]) -> str:
    """Draw the panels; the same numbers make the same text.

    Returns:
        The SVG, on white: it is to be read on a dark page, too.
    """
    rows = -(-len(panels) // _COLUMNS)
    width, height = _COLUMNS * _WIDTH, _HEAD + rows * _HEIGHT
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    fonts = 'font-family="sans-serif" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {fonts} role="img">',
        f"<title>{_TITLE}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="26" font-size="16" font-weight="bold" fill="{_INK}">{_TITLE}</text>',
        *_legend(),
    ]
    for number, panel in enumerate(panels):
        x, y = number % _COLUMNS * _WIDTH, _HEAD + number // _COLUMNS * _HEIGHT
        parts += [f'<g transform="translate({x} {y})">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _legend() -> list[str]:
    middle = 44
    parts = []
    for x, colour, text in [
        (_LEFT, _GREY, "a day"),
        (96, _PALE, "a day that Meta may still correct"),
    ]:
        parts += [
            f'<rect x="{x}" y="{middle - 5}" width="12" height="10" fill="{colour}"/>',
            f'<text x="{x + 18}" y="{middle + 4}" fill="{_SOFT}">{text}</text>',
        ]
    return [
        *parts,
        f'<line x1="310" y1="{middle}" x2="330" y2="{middle}" stroke="{_BLUE}" stroke-width="2"/>',
        f'<text x="336" y="{middle + 4}" fill="{_SOFT}">mean of the seven days up to it</text>',
    ]


def _panel(panel: Panel) -> list[str]:
    most = max(panel.spend.values(), default=Decimal(0)) or Decimal(1)
    floor, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    step = Decimal(right - _LEFT) / len(panel.days)

    def top(amount: Decimal) -> Decimal:
        return floor - amount / most * (floor - _TOP)

    scale = f"{panel.currency}, at most {most:,.0f} a day"
    bars, points = [], []
    for number, day in enumerate(panel.days):
        x, amount = _LEFT + number * step, panel.spend.get(day, Decimal(0))
        if amount:
            colour = _PALE if day in panel.open_days else _GREY
            bars.append(
                f'<rect x="{x:.1f}" y="{top(amount):.1f}" width="{step - 1:.1f}" '
                f'height="{floor - top(amount):.1f}" fill="{colour}"/>'
            )
        mean = panel.mean(day)
        if mean is not None:
            points.append(f"{x + step / 2:.1f},{top(mean):.1f}")
    return [
        f'<text x="{_LEFT}" y="20" font-weight="bold" fill="{_INK}">{escape(panel.client)}</text>',
        f'<text x="{right}" y="20" text-anchor="end" fill="{_SOFT}">{scale}</text>',
        *bars,
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{_BLUE}" stroke-width="1.5"/>',
        f'<line x1="{_LEFT}" y1="{floor}" x2="{right}" y2="{floor}" stroke="{_SOFT}"/>',
        f'<text x="{_LEFT}" y="{floor + 14}" fill="{_SOFT}">{panel.since}</text>',
        f'<text x="{right}" y="{floor + 14}" text-anchor="end" fill="{_SOFT}">{panel.until}</text>',
    ]
