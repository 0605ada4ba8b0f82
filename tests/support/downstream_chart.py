"""A chart of daily spend as SVG: small panels, one a client, each with a scale of its own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from xml.sax.saxutils import escape

_COLUMNS = 2
_WIDTH, _HEIGHT = 400, 150  # of a panel, its margins included
_LEFT, _RIGHT, _TOP, _BOTTOM = 16, 16, 34, 22
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
    width, height = _COLUMNS * _WIDTH, rows * _HEIGHT
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    fonts = 'font-family="sans-serif" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {fonts}>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        x, y = number % _COLUMNS * _WIDTH, number // _COLUMNS * _HEIGHT
        parts += [f'<g transform="translate({x} {y})">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


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
            colour = "#d3dbe6" if day in panel.open_days else "#b4bcc6"
            bars.append(
                f'<rect x="{x:.1f}" y="{top(amount):.1f}" width="{step - 1:.1f}" '
                f'height="{floor - top(amount):.1f}" fill="{colour}"/>'
            )
        mean = panel.mean(day)
        if mean is not None:
            points.append(f"{x + step / 2:.1f},{top(mean):.1f}")
    return [
        f'<text x="{_LEFT}" y="20" font-weight="bold" fill="#1c1e21">{escape(panel.client)}</text>',
        f'<text x="{right}" y="20" text-anchor="end" fill="#606770">{scale}</text>',
        *bars,
        f'<polyline points="{" ".join(points)}" fill="none" stroke="#1558b0" stroke-width="1.5"/>',
        f'<line x1="{_LEFT}" y1="{floor}" x2="{right}" y2="{floor}" stroke="#606770"/>',
        f'<text x="{_LEFT}" y="{floor + 14}" fill="#606770">{panel.since}</text>',
        f'<text x="{right}" y="{floor + 14}" text-anchor="end" fill="#606770">{panel.until}</text>',
    ]
