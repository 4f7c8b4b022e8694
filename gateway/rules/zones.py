"""The zone a carrier of a country works in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib import resources

#: Countries of several zones: the one of their parcel trade. The rest is read from the zone table of tzdata.
_CHIEF: Mapping[str, str] = {
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "ID": "Asia/Jakarta",
    "KZ": "Asia/Almaty",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
}


def zone_of(country: str) -> str:
    """IANA name. Raises ValueError for a country of several zones that has no chief one here, or of none."""
    if country in _CHIEF:
        return _CHIEF[country]
    zones = _zones().get(country, [])
    if len(zones) != 1:
        raise ValueError(f"country {country} has {len(zones)} time zones: name the carrier's timezone")
    return zones[0]


@cache
def _zones() -> Mapping[str, list[str]]:
    table: dict[str, list[str]] = defaultdict(list)
    text = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            table[country].append(zone)
    return table
