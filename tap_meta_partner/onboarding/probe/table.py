"""The table: everything the tap believes of Meta that a question can test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.onboarding.probe import about_answers, about_objects, about_reports

if TYPE_CHECKING:
    from tap_meta_partner.onboarding.probe.beliefs import Belief

BELIEFS: tuple[Belief, ...] = (
    *about_answers.believed.beliefs,
    *about_reports.believed.beliefs,
    *about_objects.believed.beliefs,
)
