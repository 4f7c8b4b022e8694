"""What is asked for with a subscription, and which legs need the other side of a border."""

from __future__ import annotations

import re

from adapters.kuaidi100.settings import Kuaidi100Settings
from gateway.contract.errors import Refused
from gateway.contract.reading import last_four
from gateway.contract.signing import compact
from gateway.domain import LegRef

_OUR_CLOCK = frozenset({"CN", "HK", "MO", "TW"})


def crosses(leg: LegRef) -> bool:
    """Whether a leg leaves the zone whose clock is +08:00, by the countries its ends begin with."""
    countries = {end[:2] for end in (leg.origin, leg.destination) if re.match(r"[A-Z]{2}(-|$)", end)}
    return bool(countries - _OUR_CLOCK)


def subscription(settings: Kuaidi100Settings, leg: LegRef) -> dict[str, str]:
    """The form of /poll; without a company it is detected. Raise Refused without a `callback_url`."""
    if not settings.callback_url:
        raise Refused("callback_url: is not set, so pushes could not come")
    company, key = leg.company or settings.company or "", settings.key.get_secret_value()
    parameters = {"callbackurl": settings.callback_url, "salt": settings.salt.get_secret_value()}
    parameters |= {"resultv2": "4", "autoCom": "0" if company else "1", "phone": last_four(leg.phone)}
    if crosses(leg):
        ends = {"departureCountry": leg.origin[:2], "destinationCountry": leg.destination[:2]}
        parameters |= ends | {"interCom": "1"}
    asked = {"company": company, "number": leg.tracking_number, "from": "", "to": "", "key": key}
    return {"schema": "json", "param": compact(asked | {"parameters": parameters})}
