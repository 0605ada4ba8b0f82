"""From an insights query to rows: which ad-days count, how they are grouped, what is told of them.

Rows come in the order of their period, then of the object's id. A page is built from the place its
cursor names, so a deep page of a large report costs no more than the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.insights import breakdowns, periods
from tap_meta_partner.sandbox.insights.filters import AD_COLUMN, ad_filter, metric_filter
from tap_meta_partner.sandbox.insights.metrics import ANSWERED_AS, METRICS, Presentation
from tap_meta_partner.sandbox.protocol.paging import Page, Position, limit_of, position_after
from tap_meta_partner.sandbox.world import splitting
from tap_meta_partner.sandbox.world.advertising import WHOLE_UNIT_CURRENCIES
from tap_meta_partner.sandbox.world.delivery import Facts, add_up
from tap_meta_partner.sandbox.world.recently_used import RecentlyUsed
from tap_meta_partner.sandbox.world.segments import Values, columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_meta_partner.sandbox.insights.query import InsightsQuery
    from tap_meta_partner.sandbox.world.advertising import Ad, AdAccount, AdSet, Campaign
    from tap_meta_partner.sandbox.world.world import World

Row = dict[str, object]
#: One row to be: an ad below the row's object, breakdown values, and the summed facts.
Group = tuple["Ad", Values, Facts]


class Insights:
    """Answers insights queries about a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._groups: RecentlyUsed[tuple[InsightsQuery, int, int, int], list[Group]] = RecentlyUsed(
            limit=40_000
        )

    def page(self, query: InsightsQuery, params: Mapping[str, str], revision: int) -> Page[Row]:
        """Return the page of the report that the `after` and `limit` of `params` ask for."""
        spans = list(periods.buckets(query.span, query.increment))
        start = position_after(params)
        left = limit_of(params)
        writer = _RowWriter(query)
        rows: list[Row] = []
        bucket, offset = start.bucket, start.offset
        while bucket < len(spans):
            groups = self._bucket(query, spans[bucket], bucket, revision)
            taken = groups[offset : offset + left]
            rows += (writer.row(group, spans[bucket]) for group in taken)
            left -= len(taken)
            offset += len(taken)
            if offset < len(groups):
                break
            bucket, offset = bucket + 1, 0
        # Empty periods up to the next row were skipped above, so anything left is a row.
        return Page(rows, start, Position(bucket, offset, start.page + 1), bucket < len(spans))

    def exceeds(self, query: InsightsQuery, rows: int, revision: int) -> bool:
        """Tell whether the whole report has more than `rows` rows; stop counting there."""
        counted = 0
        for number, span in enumerate(periods.buckets(query.span, query.increment)):
            counted += len(self._bucket(query, span, number, revision))
            if counted > rows:
                return True
        return False

    def objects(self, query: InsightsQuery, revision: int) -> set[str]:
        """Return the ids of the objects, of the report's level, that have a row in it."""
        column, account_id = AD_COLUMN.get(query.level), query.node.account.id
        return {
            account_id if column is None else str(getattr(ad, column))
            for number, span in enumerate(periods.buckets(query.span, query.increment))
            for ad, _, _ in self._bucket(query, span, number, revision)
        }

    def _bucket(
        self, query: InsightsQuery, span: periods.Span, number: int, revision: int
    ) -> list[Group]:
        key = (query, number, revision, self._world.statuses.changes)
        found = self._groups.get(key)
        if found is None:
            found = [] if query.empty else list(self._grouped(query, span, revision))
            account = query.node.account
            if span.until <= account.today(self._world.now()):
                self._groups.put(key, found)
        return found

    def _grouped(self, query: InsightsQuery, span: periods.Span, revision: int) -> Iterator[Group]:
        account = query.node.account
        wanted = ad_filter(query, self._world.statuses)
        members: dict[tuple[object, ...], list[Facts]] = {}
        example: dict[tuple[object, ...], tuple[Ad, Values]] = {}
        column = AD_COLUMN.get(query.level)
        for day in periods.days(span):
            for ad, facts in self._world.delivered.ad_days(account, day, revision):
                if wanted is not None and not wanted(ad):
                    continue
                object_id = account.id if column is None else getattr(ad, column)
                for values, part in self._parts(query, ad, facts):
                    key = (object_id, *map(str, values))
                    if key in members:
                        members[key].append(part)
                    else:
                        members[key] = [part]
                        example[key] = ad, values
        enough = metric_filter(query)
        for key in sorted(members, key=str) if query.breakdowns else sorted(members):
            total = add_up(members[key])
            if enough is None or enough(total):
                yield (*example[key], total)

    def _parts(self, query: InsightsQuery, ad: Ad, facts: Facts) -> Iterator[tuple[Values, Facts]]:
        if not query.breakdowns:
            return iter((((), facts),))
        country = query.node.account.business.country
        return splitting.parts(facts, self._world.seed, ad.number, country, query.breakdowns)


class _RowWriter:
    """Writes the rows of one report: what is the same in all of them is looked up once."""

    def __init__(self, query: InsightsQuery) -> None:
        account = query.node.account
        self._query = query
        self._how = Presentation(
            spend_digits=account.spend_digits,
            value_digits=0 if account.currency in WHOLE_UNIT_CURRENCIES else 2,
            windows=query.windows,
            action_breakdowns=query.action_breakdowns,
        )
        hidden = query.withheld | breakdowns.left_out(query.breakdowns)
        self._columns = columns(query.breakdowns)
        self._metrics = [
            (ANSWERED_AS.get(name, name), METRICS[name])
            for name in query.fields
            if name in METRICS and name not in hidden
        ]
        self._no_reach = not breakdowns.NO_REACH.isdisjoint(query.breakdowns)
        self._labels: dict[str, Row] = {}
        self._campaigns = {campaign.id: campaign for campaign in account.campaigns}

    def row(self, group: Group, span: periods.Span) -> Row:
        """Return one row as Meta sends it."""
        ad, values, facts = group
        labels = self._labels.get(ad.id)
        if labels is None:
            labels = self._labels[ad.id] = self._labels_of(ad)
        row = dict(labels)
        how = self._how
        for name, metric in self._metrics:
            value = metric(facts, how)
            if value is not None:
                row[name] = value
        if self._no_reach:
            row.update({name: "0" for name in ("reach", "frequency") if name in self._query.fields})
        row["date_start"] = span.since.isoformat()
        row["date_stop"] = span.until.isoformat()
        if values:
            keys = zip(self._columns, values, strict=True)
            row.update((name, value) for name, value in keys if value is not None)
        return row

    def _labels_of(self, ad: Ad) -> Row:
        campaign = self._campaigns[ad.campaign_id]
        adset = next(adset for adset in campaign.adsets if adset.id == ad.adset_id)
        known = labels(self._query.level, self._query.node.account, campaign, adset, ad)
        return {name: known[name] for name in self._query.fields if name in known}


#: How an ad stands beside others that compete for the same people; unknown of those that few see.
_RANKS = (
    "ABOVE_AVERAGE",
    "AVERAGE",
    "UNKNOWN",
    "BELOW_AVERAGE_35",
    "BELOW_AVERAGE_20",
    "BELOW_AVERAGE_10",
)
_RANKINGS = tuple(
    enumerate(("quality_ranking", "engagement_rate_ranking", "conversion_rate_ranking"))
)


def labels(level: str, account: AdAccount, campaign: Campaign, adset: AdSet, ad: Ad) -> Row:
    """Return the text fields a row of `level` can have: of its own object and those above."""
    known: Row = {
        "account_id": account.id,
        "account_name": account.name,
        "account_currency": account.currency,
        "created_time": account.created.date().isoformat(),
        "updated_time": account.created.date().isoformat(),
        "attribution_setting": "7d_click_1d_view",
    }
    if level == "account":
        return known
    known |= {
        "campaign_id": campaign.id,
        "campaign_name": campaign.name,
        "objective": campaign.objective,
        "buying_type": campaign.buying_type,
        # Documented for ads alone; campaigns are answered with them too.
        "quality_ranking": "UNKNOWN",
        "engagement_rate_ranking": "UNKNOWN",
        "conversion_rate_ranking": "UNKNOWN",
    }
    if level == "campaign":
        return known
    known |= {
        "adset_id": adset.id,
        "adset_name": adset.name,
        "optimization_goal": adset.optimization_goal,
        "attribution_setting": adset.attribution_setting,
        "gender_targeting": "ALL",
    }
    if level == "adset":
        return known
    return known | {
        "ad_id": ad.id,
        "ad_name": ad.name,
        **{name: _RANKS[(ad.number + place) % len(_RANKS)] for place, name in _RANKINGS},
    }
