"""Reports as calls ask for them: at once, or as report runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.graph import accounts as nodes
from tap_meta_partner.sandbox.insights.query import read_query
from tap_meta_partner.sandbox.insights.report_runs import ReportRuns
from tap_meta_partner.sandbox.insights.rows import Insights
from tap_meta_partner.sandbox.protocol import errors as graph_errors
from tap_meta_partner.sandbox.protocol.paging import capped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_meta_partner.sandbox.graph.dials import Dials
    from tap_meta_partner.sandbox.graph.field_refusals import FieldRefusals
    from tap_meta_partner.sandbox.insights.query import InsightsQuery
    from tap_meta_partner.sandbox.insights.report_runs import ReportRun
    from tap_meta_partner.sandbox.insights.rows import Row
    from tap_meta_partner.sandbox.protocol.calls import GraphCall
    from tap_meta_partner.sandbox.protocol.faults import Fault
    from tap_meta_partner.sandbox.protocol.paging import Page
    from tap_meta_partner.sandbox.world.advertising import Node
    from tap_meta_partner.sandbox.world.world import World


#: What lists of objects ask: it weighs nothing.
LIGHT_FIELDS = frozenset(
    {
        *("account_id", "campaign_id", "adset_id", "ad_id", "date_start", "date_stop"),
        *("impressions", "spend", "actions", "action_values", "conversions"),
    }
)


class Reports:
    """Answers the calls to `insights` edges and to report runs."""

    def __init__(self, world: World, dials: Dials, refused_fields: FieldRefusals) -> None:
        self._world = world
        self._dials = dials
        self._refused_fields = refused_fields
        self._insights = Insights(world)
        self._runs = ReportRuns(
            job_seconds=dials.job_seconds,
            max_per_account=dials.max_running_runs,
            monotonic=dials.monotonic,
            unix_now=lambda: world.now().timestamp(),
        )

    def run(self, run_id: str) -> ReportRun | None:
        """Return the report run with that id, a deleted one too."""
        return self._runs.get(run_id)

    def rows(self, call: GraphCall, node: Node) -> Page[Row]:
        """Return the page of a synchronous report; raise what Meta answers to one too large."""
        query = self._query(call.params, node)
        if "mmm" in query.breakdowns:  # by asynchronous runs only, since 2026-01-12
            raise graph_errors.asynchronous_only("mmm")
        revision = self._world.delivered.revision
        if not call.params.get("after"):
            self._check_sync_size(query, revision)
        return self._insights.page(query, capped(call.params, self._dials.max_page_rows), revision)

    def submit(self, call: GraphCall, node: Node, fault: Fault | None) -> object:
        """Start a report run, which ends as `fault` says, and return its id."""
        query = self._query(call.params, node)
        revision = self._world.delivered.revision
        largest = self._dials.max_async_rows
        run = self._runs.submit(
            query,
            call.params,
            revision=revision,
            too_large=(largest is not None and self._insights.exceeds(query, largest, revision))
            or self._is_too_heavy(query, revision),
            fault=fault,
        )
        return {"report_run_id": run.id}

    def of_run(self, call: GraphCall, run: ReportRun, kind: str) -> object:
        """Delete a report run, or return its progress (`kind` poll) or a page of its rows."""
        if call.method == "DELETE":
            self._runs.delete(run)
            return {"success": True}
        if kind == "poll":
            requests = nodes.field_requests(call.params.get("fields"))
            known = self._runs.poll(run)
            return nodes.plain_object(known, requests) if requests else known
        self._runs.check_readable(run)
        query = run.query
        if call.params.get("fields"):
            # `fields` may be asked anew when reading; everything else is the run's own.
            params = {**run.params, "fields": call.params["fields"]}
            query = replace(query, fields=self._query(params, query.node).fields)
        return self._insights.page(
            query, capped(call.params, self._dials.max_page_rows), run.revision
        )

    def _query(self, params: Mapping[str, str], node: Node) -> InsightsQuery:
        today = node.account.today(self._world.now())
        history = self._dials.history_limits
        query = read_query(params, node, today, self._world.opted_in, history_limits=history)
        if params.get("fields"):
            self._refused_fields.check(query.fields, node.account.id)
        return query

    def _check_sync_size(self, query: InsightsQuery, revision: int) -> None:
        largest, slow = self._dials.max_sync_rows, self._dials.slow_sync_rows
        if largest is not None and self._insights.exceeds(query, largest, revision):
            raise graph_errors.too_much_data()
        if self._is_too_heavy(query, revision):
            raise graph_errors.too_much_data()
        if slow is not None and self._insights.exceeds(query, slow, revision):
            raise graph_errors.sync_timed_out()

    def _is_too_heavy(self, query: InsightsQuery, revision: int) -> bool:
        """Tell whether a report is too large by its cells, or for one of its objects."""
        cells, unservable = self._dials.max_cells, set(self._dials.unservable)
        heavy = len(set(query.fields) - LIGHT_FIELDS)
        if cells is not None and heavy and self._insights.exceeds(query, cells // heavy, revision):
            return True
        if unservable and (heavy or query.node.id in unservable):
            return not unservable.isdisjoint(self._insights.objects(query, revision))
        return False
