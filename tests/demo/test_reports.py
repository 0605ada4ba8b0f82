from __future__ import annotations

import pytest

from tap_meta_partner.demo.reports import REPORTS
from tests.support.downstream_nights import DASHBOARD, definitions
from tests.support.downstream_nights import README as DOWNSTREAM

DEFINED = {report["name"]: report for report in REPORTS}


@pytest.mark.parametrize("page", [DASHBOARD, DOWNSTREAM], ids=lambda page: str(page.name))
def test_reports__are_as_the_pages_define_them(page: object) -> None:
    """A query on one of them reads the columns that its page promises."""
    shown = {report["name"]: report for report in definitions(page)["config"]["reports"]}  # type: ignore[arg-type]
    both = shown.keys() & DEFINED.keys()

    assert both
    assert {name: shown[name] for name in both} == {name: DEFINED[name] for name in both}
