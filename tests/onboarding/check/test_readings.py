from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.onboarding.check.readings import read_tasks
from tests.support.fakes import NO_ACCESS, Drive, fault

if TYPE_CHECKING:
    from tests.support.fakes import Reply


def test_tasks__of_all_pages_by_account() -> None:
    """What the user may do is read page by page, with the token in question."""
    pages: list[Reply] = [
        {
            "data": [{"account_id": "1", "user_tasks": ["ANALYZE"]}, {"account_id": "2"}],
            "paging": {"cursors": {"after": "A"}, "next": "https://never-followed"},
        },
        {"data": [{"account_id": "3", "user_tasks": ["MANAGE", "ANALYZE"]}]},
    ]
    driven = Drive(lambda _call: pages.pop(0))

    assert driven(read_tasks(4, lambda: 0.0)) == {"1": ("ANALYZE",), "3": ("MANAGE", "ANALYZE")}
    assert [call.params.get("after") for call in driven.calls] == [None, "A"]
    assert {call.token for call in driven.calls} == {4}


def test_tasks__that_meta_does_not_show_are_none() -> None:
    """A token that may not ask costs the check nothing else."""
    assert Drive(lambda _call: fault(*NO_ACCESS))(read_tasks(0, lambda: 0.0)) == {}
