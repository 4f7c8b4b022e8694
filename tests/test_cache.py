"""Rendered answers: dropped when they are old, never kept when they were old before they were kept."""

from __future__ import annotations

from gateway.cache import BESIDE, Cache, Rendered


def rendered(text: str) -> Rendered:
    return Rendered(status=200, etag=f'"{text}"', body=text.encode())


def fill(cache: Cache, number: str, text: str, key: str = "zh") -> None:
    with cache.loading(number) as place:
        cache.put(place, key, rendered(text))


def test_what_was_put_is_found_until_it_is_dropped() -> None:
    cache = Cache()
    fill(cache, "A1", "one")
    fill(cache, "A1", "eins", "de")
    assert cache.get("A1", "zh") == rendered("one")
    assert cache.get("A1", "de") == rendered("eins")
    assert cache.get("A1", "fr") is None
    cache.drop("A1")
    assert cache.get("A1", "zh") is None
    assert cache.get("A1", "de") is None


def test_what_was_read_before_a_drop_is_not_kept_after_it() -> None:
    cache = Cache()
    with cache.loading("A1") as slow:
        cache.drop("A1")
        fill(cache, "A1", "new")
        cache.put(slow, "zh", rendered("old"))
    assert cache.get("A1", "zh") == rendered("new")


def test_the_longest_unread_goes_first_when_it_is_full() -> None:
    cache = Cache(most=3 * (10 + BESIDE))
    for number in ("A1", "A2", "A3"):
        fill(cache, number, "x" * 10)
    assert cache.get("A1", "zh") is not None
    fill(cache, "A4", "x" * 10)
    assert [number for number in ("A1", "A2", "A3", "A4") if cache.get(number, "zh")] == ["A1", "A3", "A4"]
    fill(cache, "A5", "x" * (40 + 3 * BESIDE))
    assert all(cache.get(number, "zh") is None for number in ("A1", "A3", "A4", "A5"))
    fill(cache, "A1", "fits")
    assert cache.get("A1", "zh") == rendered("fits")


def test_a_reading_that_fails_leaves_nothing() -> None:
    cache = Cache()
    with cache.loading("A1"):
        pass
    assert cache.get("A1", "zh") is None
    assert not cache._numbers
