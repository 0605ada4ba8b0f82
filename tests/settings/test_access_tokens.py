from __future__ import annotations

import pytest

from tap_meta_partner.settings.model import SettingsError
from tap_meta_partner.settings.reading import parse_settings
from tests.support.configurations import NOW, SECRET


def test_access_tokens__are_parsed_and_never_shown() -> None:
    """Each token has a label (its place where none is given) and its own accounts."""
    settings = parse_settings(
        {
            "access_tokens": [
                {"access_token": SECRET, "label": "Client A", "account_ids": ["act_1"]},
                {"access_token": f"{SECRET}2"},
            ]
        },
        now=NOW,
    )

    assert [(token.label, token.account_ids) for token in settings.tokens] == [
        ("Client A", ("1",)),
        ("token 2", ()),
    ]
    assert [token.access_token for token in settings.tokens] == [SECRET, f"{SECRET}2"]
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    "tokens",
    [
        SECRET,
        [SECRET],
        [{"access_token": [SECRET]}],
        [{"token": SECRET}],
        [{"label": "a"}],
        [{"access_token": SECRET, "label": SECRET}],
        [{"access_token": SECRET, "label": "a"}, {"access_token": "other", "label": "a"}],
        [{"access_token": SECRET, "account_ids": ["nonsense"]}],
        [{"access_token": f"{SECRET} with a blank"}],
    ],
)
def test_access_tokens__mistakes_are_one_line_without_the_token(tokens: object) -> None:
    """What is wrong with the list is said; no token is."""
    with pytest.raises(SettingsError) as caught:
        parse_settings({"access_tokens": tokens}, now=NOW)

    assert "access_tokens" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
