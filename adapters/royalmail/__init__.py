"""Royal Mail, Tracking API v2 (developer.royalmail.net). Source: the fact sheet carriers/royalmail.md.

30 numbers per summary, which tells the last event of each; the events of an item are one more call, made only when its
last event changed since this process read them. No pace is published: the gateway's default applies to the calls.
There are no pushes, and booking is another product.

Known limits. The codes of events are unverified (beyond EVNMI): they are shown and can be mapped by operators, but what
an event means is read from its text, and for the last one from `statusCategory` too. An event whose text the sheet does
not list is UNKNOWN. An older event is a delivery only with one of the codes of the setting `delivered_codes` and a text
that agrees. Error codes other than E1142 are unverified: they are a person's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote

from pydantic import Field

from adapters.royalmail.numbers import NUMBERS
from adapters.royalmail.statuses import STATUSES, is_delivery, read
from gateway.contract.carrier import Can, CarrierAdapter, CarrierSettings, Meaning
from gateway.contract.client import Forgiven, ask, explained
from gateway.contract.errors import Refused, refusal
from gateway.contract.reading import Fields, given_time, inside, joined, listed, objects, optional, required, text
from gateway.contract.secret import Secret
from gateway.domain import LegRef, Scan, Status

_ABSENT = frozenset({"E1142", "HTTP 404"})
_REMEMBERED = 10_000  # items whose events are not read again while nothing changes


class RoyalMailSettings(CarrierSettings):
    """base_url: https://api.royalmail.net/mailpieces/v2."""

    client_id: str = Field(min_length=1)
    client_secret: Secret
    delivered_codes: frozenset[str] = frozenset({"EVKSP", "EVKOP"})  #: unverified


class RoyalMailAdapter(CarrierAdapter):
    """Summaries by batch, and the events of what moved."""

    code = "royalmail"
    name = "Royal Mail"
    confidence = "medium-high"
    can = Can.POLL
    Settings = RoyalMailSettings
    batch = 30
    statuses = STATUSES
    number_forms = NUMBERS

    async def poll(self, legs: Sequence[LegRef]) -> list[Scan]:
        """Every event of each item; E1142 is "not found (yet)", in its own place of a 200 or as a status."""
        numbers = ",".join(dict.fromkeys(leg.tracking_number for leg in legs))
        with Forgiven(_is_absent):
            pieces = listed(await self._call("/summary", params={"mailPieceId": numbers}), "mailPieces")
            return [scan for piece in pieces for scan in await self._history(piece)]
        return []

    async def _history(self, piece: Fields) -> list[Scan]:
        """The newest first. What was read with its category before is not read again without one."""
        with Forgiven(_is_absent):
            number, newest = required(piece, "mailPieceId"), self._newest(_agreed(piece))
            if newest is None:
                return []
            history = self._read.get(number, [])
            if newest not in history[:1]:
                known = {_key(scan): scan for scan in [*await self._events(number), *history]}
                history = [newest, *(scan for key, scan in known.items() if key != _key(newest))]
            self._remember(number, history)
            return history
        return []

    async def _events(self, number: str) -> list[Scan]:
        with Forgiven(_is_absent):
            piece = inside(await self._call(f"/{quote(number, safe='')}/events"), "mailPieces")
            return [self._event(number, event) for event in listed(_agreed(piece), "events")]
        return []

    def _newest(self, piece: Fields) -> Scan | None:
        """The last event, with the category of the item; None where nothing has happened yet."""
        summary = inside(piece, "summary")
        if not text(summary, "lastEventDateTime"):
            return None
        said = joined(summary, "lastEventName", "statusDescription", "summaryLine", by=". ")
        names = {"eventCode": "lastEventCode", "eventName": "lastEventName", "eventDateTime": "lastEventDateTime"}
        event = {ours: summary.get(theirs) for ours, theirs in names.items()}
        event["locationName"] = summary.get("lastEventLocationName")
        category = text(summary, "statusCategory").upper()
        meaning = read(category, said)
        return self._scan(required(piece, "mailPieceId"), event, meaning, inferred=meaning != self.meaning(category))

    def _event(self, number: str, event: Fields) -> Scan:
        """An older event: its text alone, and of a delivery its code too."""
        said = text(event, "eventName")
        meaning = read("", said)
        if text(event, "eventCode") in self.settings.delivered_codes and is_delivery(said):
            meaning = Meaning(Status.DELIVERED)
        return self._scan(number, event, meaning, inferred=meaning.status is not Status.UNKNOWN)

    def _scan(self, number: str, event: Fields, meaning: Meaning, *, inferred: bool) -> Scan:
        at, basis = given_time(event, "eventDateTime")
        return Scan(
            tracking_number=number,
            at=at,
            basis=basis,
            status=meaning.status,
            reason=meaning.reason,
            carrier_code=text(event, "eventCode"),
            text=text(event, "eventName"),
            place=text(event, "locationName"),
            inferred=inferred,
        )

    @cached_property
    def _read(self) -> dict[str, list[Scan]]:
        return {}

    def _remember(self, number: str, history: list[Scan]) -> None:
        self._read.pop(number, None)
        self._read[number] = history
        if len(self._read) > _REMEMBERED:
            del self._read[next(iter(self._read))]

    async def _call(self, path: str, **request: Any) -> dict[str, Any]:
        headers = {"x-ibm-client-id": self.settings.client_id, "x-accept-rmg-terms": "yes"}
        headers |= {"x-ibm-client-secret": self.settings.client_secret.get_secret_value(), "accept": "application/json"}
        with explained(_error):
            return await ask(self.http, "GET", path, headers=headers, **request)


def _agreed(piece: Fields) -> Fields:
    """An item that has no error of its own. Raise Refused."""
    error = optional(piece, "error")
    if error:
        raise refusal(required(error, "errorCode"), _said(error), {}, ())
    return piece


def _is_absent(no: Refused) -> bool:
    return no.code in _ABSENT


def _error(answer: dict[str, Any]) -> tuple[str, str]:
    """The first error of a refusal, else its own HTTP code and message."""
    for error in objects(answer.get("errors"), "errors"):
        return text(error, "errorCode"), _said(error)
    return f"HTTP {required(answer, 'httpCode')}", joined(answer, "httpMessage", "moreInformation")


def _said(error: Fields) -> str:
    return joined(error, "errorDescription", "errorCause", "errorResolution", by="; ")


def _key(scan: Scan) -> tuple[object, ...]:
    return (scan.at, scan.carrier_code)
