"""Writing what providers ask for: without what is empty, in their forms of phones, weights and lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Any
from xml.sax.saxutils import escape

from gateway.contract.errors import Refused
from gateway.domain import Address, LegRef, Message, Party, ProviderTemplate

POUND_G, OUNCE_G, INCH_MM = Decimal("453.59237"), Decimal("28.349523125"), Decimal("25.4")


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are neither empty texts nor None."""
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def domestic(phone: str) -> str:
    """A phone as mainland carriers write it: without +86; of another country as it is."""
    return phone.removeprefix("+86")


def in_china(party: Party) -> Address:
    """The address of a party on the mainland. Raise Refused for one elsewhere: domestic forms have no field for it."""
    if party.address.country != "CN":
        raise Refused(f"books within China only, not to or from {party.address.country}")
    return party.address


def measured(amount: int, unit: Decimal) -> Decimal:
    """Grams or millimetres in a larger unit, to a tenth, never less than it is."""
    return (Decimal(amount) / unit).quantize(Decimal("0.1"), ROUND_UP)


def millis(at: datetime) -> str:
    """A time as milliseconds since 1970, the `timestamp` of most Chinese carriers."""
    return str(int(at.timestamp() * 1000))


def flat_xml(root: str, fields: Mapping[str, str]) -> bytes:
    """An XML document of one level: the fields right below the root."""
    return f"<{root}>{''.join(f'<{name}>{escape(value)}</{name}>' for name, value in fields.items())}</{root}>".encode()


def filled_template(
    message: Message, limit: int, cleaned: Callable[[str], str] = str
) -> tuple[ProviderTemplate, dict[str, str]]:
    """The provider's template, and its fields with our values, each cut to its limit (`limit` where it names none).

    Raise Refused where no template is configured, and where it wants a parameter that the message does not have.
    """
    template = message.template
    if template is None:
        raise Refused("no approved template is configured for this message")
    if missing := [ours for ours in template.params.values() if ours not in message.params]:
        raise Refused(f"template {template.id}: the message has no parameter {missing[0]!r}")
    values = {field: cleaned(message.params[ours]) for field, ours in template.params.items()}
    return template, {field: value[: template.limits.get(field, limit)] for field, value in values.items()}


def company_of(provider: str, leg: LegRef | None, own: str | None) -> str:
    """What an aggregator calls a leg's carrier: the carrier's alias, else the one company of the row. Raise Refused."""
    if company := (leg.company if leg else None) or own:
        return company
    raise Refused(f"company: the carrier has no alias for {provider}, and this row names no company")
