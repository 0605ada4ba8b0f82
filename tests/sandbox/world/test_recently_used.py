from __future__ import annotations

from tap_meta_partner.sandbox.world.recently_used import RecentlyUsed


def test_kept__until_too_much() -> None:
    """Lists are kept until their entries exceed the limit; the longest unused goes first."""
    memory: RecentlyUsed[str, list[int]] = RecentlyUsed(limit=8)
    memory.put("a", [1, 2])
    memory.put("b", [3, 4])
    assert memory.get("a") == [1, 2]
    memory.put("c", [5, 6])

    assert memory.get("b") is None
    assert (memory.get("a"), memory.get("c")) == ([1, 2], [5, 6])


def test_kept__one_larger_than_the_limit() -> None:
    """A list larger than the limit is kept until the next one comes."""
    memory: RecentlyUsed[str, list[int]] = RecentlyUsed(limit=2)
    memory.put("large", list(range(10)))
    assert memory.get("large") is not None
    memory.put("small", [1])
    assert memory.get("large") is None
    memory.put("small", [2])  # the first stays
    assert memory.get("small") == [1]
