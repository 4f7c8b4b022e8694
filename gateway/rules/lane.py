"""Lane patterns: "*" is everywhere, "CN" and "CN-*" a country, "CN-Guangdong" a region, "CN-Guang*" a prefix."""

from __future__ import annotations


def covers(pattern: str, place: str) -> bool:
    """Whether the place ("CN-Guangdong", "CN", "" when not known) lies in the pattern. Case does not matter."""
    pattern, place = pattern.casefold(), place.casefold()
    if pattern == "*":
        return True
    if "-" not in pattern:
        return place.split("-", 1)[0] == pattern
    if pattern.endswith("*"):
        return place.startswith(pattern[:-1]) or place == pattern[:-1].rstrip("-")
    return place == pattern


def overlap(one: str, other: str) -> bool:
    """Whether some place lies in both patterns."""
    if "*" in (one, other):
        return True
    bare, other_bare = one.removesuffix("*").rstrip("-"), other.removesuffix("*").rstrip("-")
    return covers(one, other_bare) or covers(other, bare)
