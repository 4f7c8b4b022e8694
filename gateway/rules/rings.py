"""Rings of backups: parcels that would be handed around until everybody had them."""

from __future__ import annotations

from gateway.rules.lane import overlap
from gateway.rules.policy import Route, Routes, When


def ring(routes: Routes) -> list[str] | None:
    """The first ring found, the first carrier again at its end (["sf", "zto", "sf"]); None when there is none.

    Only routes that name their carrier make rings, and only where one parcel can match them all; "*" routes hand over
    from anybody and are no plan of their own.
    """
    named = [route for route in routes.routes if route.when.carrier != "*" and route.mode != "off"]
    for route in named:
        found = _back_to(route.when.carrier, [route], named)
        if found is not None:
            return found
    return None


def _back_to(start: str, path: list[Route], routes: list[Route]) -> list[str] | None:
    """Depth first from the last route of the path, through carriers that are not on it yet."""
    on_path = [route.when.carrier for route in path]
    for backup in path[-1].backups:
        if backup.carrier == start:
            return [*on_path, start]
        if backup.carrier in on_path:
            continue
        for following in routes:
            together = all(_together(following.when, before.when) for before in path)
            if following.when.carrier == backup.carrier and together:
                found = _back_to(start, [*path, following], routes)
                if found is not None:
                    return found
    return None


def _together(one: When, other: When) -> bool:
    """Whether a parcel can match both."""
    services = "*" in (one.service, other.service) or one.service == other.service
    return services and overlap(one.origin, other.origin) and overlap(one.destination, other.destination)
