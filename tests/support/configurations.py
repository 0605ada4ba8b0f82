"""Configurations as users write them, what becomes of them, and JSON of any kind."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from tap_meta_partner.settings.model import Settings, SettingsError
from tap_meta_partner.settings.reading import parse_settings

NOW = dt.datetime(2026, 11, 25, 9, 0, tzinfo=dt.timezone.utc)


TOKEN = "EAAtokenZZ"


SECRET = "hunter2hunter2"


THOROUGHLY = settings(derandomize=True, deadline=None)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["2026-11-01", "https://[", "7d_view", "act_1", "name", "v26.0", SECRET]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "level", "fields", "x\ny"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def parse(**config: Any) -> Settings:  # noqa: ANN401  (anything a user may write)
    return parse_settings({"access_token": TOKEN, **config}, now=NOW)


def mistake(**config: Any) -> str:  # noqa: ANN401  (anything a user may write)
    """Return the text of the error, which is one line."""
    with pytest.raises(SettingsError) as caught:
        parse(**config)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text


def outcome(**config: Any) -> str:  # noqa: ANN401  (anything a user may write)
    """Return the error's text, empty where there is none."""
    try:
        parse(**config)
    except SettingsError as error:
        return str(error)
    return ""
