from __future__ import annotations

from typing import TYPE_CHECKING

from tap_meta_partner.sandbox.world.delivery import Change, Facts, ad_day, add_up, restated

if TYPE_CHECKING:
    from tap_meta_partner.sandbox import World

DAY = 739_000


def made(world: World) -> list[Facts]:
    """Many ad-days."""
    found = (ad_day(7, ad, day) for ad in world.accounts[0].ads for day in range(DAY, DAY + 200))
    return [facts for facts in found if facts is not None]


def test_ad_day__is_plausible(world: World) -> None:
    """Of impressions come clicks, of clicks link clicks, landings and purchases; never more."""
    for facts in made(world):
        assert facts.impressions >= facts.reach >= 0
        assert facts.impressions >= facts.clicks >= facts.link_clicks >= facts.landings
        assert (facts.value > 0) == (facts.purchases > 0)
        assert all(count >= 0 for count in facts)


def test_ad_day__depends_on_seed_ad_and_day_only(world: World) -> None:
    """Asking again, or in another order, gives the same facts."""
    ads = world.accounts[0].ads
    forth = [ad_day(7, ad, DAY) for ad in ads]
    back = [ad_day(7, ad, DAY) for ad in reversed(ads)]

    assert forth == back[::-1]
    assert forth != [ad_day(8, ad, DAY) for ad in ads]


def test_add_up__adds_all_but_people(world: World) -> None:
    """Counts add up; reach stays between its largest part and the sum of its parts."""
    many = made(world)[:30]
    total = add_up(many)

    assert total.spend == sum(facts.spend for facts in many)
    assert max(facts.reach for facts in many) <= total.reach < sum(facts.reach for facts in many)


def test_restated__with_a_share_of_nothing(world: World) -> None:
    """A restatement of share 0 changes nothing."""
    ad = world.accounts[0].ads[0]
    for day in range(DAY, DAY + 50):
        facts = ad_day(7, ad, day)
        assert restated(7, ad, day, facts, Change(1, 0.0)) == facts
