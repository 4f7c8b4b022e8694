"""A tracking result as scans: articles with events, and the status of each, which belongs to its newest event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.auspost.statuses import STATUSES, described, listed_word, way_back
from gateway.contract.carrier import Meaning
from gateway.contract.errors import BadPayload
from gateway.contract.reading import Fields, given_time, objects, optional, required, text
from gateway.domain import Scan, Status

_LONGEST_CODE = 60
_PARTIAL = "Partial Delivery"
_UNKNOWN = Meaning(Status.UNKNOWN)


def scans_of(result: Fields) -> list[Scan]:
    """Every event of a number, of its consignment and its articles. Raise BadPayload where it has neither."""
    if "trackable_items" not in result and "consignment" not in result:
        raise BadPayload("trackable_items: is missing")
    number, items = required(result, "tracking_id"), objects(result.get("trackable_items"), "trackable_items")
    articles = {text(item, "article_id") or str(place): item for place, item in enumerate(items)}
    alone = text(result, "status") if len(articles) == 1 else ""
    read = [_article(number, article, text(article, "status") or alone) for article in articles.values()]
    consignment = optional(result, "consignment")
    whole = _article(number, consignment, text(consignment, "status"))
    return [*whole, *(scan for scans in _together(read) for scan in scans)]


def _article(number: str, article: Fields, status: str) -> list[Scan]:
    events = [_Event(number, event) for event in objects(article.get("events"), "events")]
    newest = max((event.scan.at for event in events), default=None)
    return [scan for event in events for scan in event.read(status if event.scan.at == newest else "")]


class _Event:
    """One event, not yet read."""

    def __init__(self, number: str, event: Fields) -> None:
        at, basis = given_time(event, "date")
        self.said, self.code = text(event, "description"), text(event, "event_code")
        self.scan = Scan(
            tracking_number=number,
            at=at,
            basis=basis,
            status=Status.UNKNOWN,
            text=self.said,
            place=text(event, "location"),
        )

    def read(self, status: str) -> list[Scan]:
        """By its description, and by the status of the article where it is the newest: two scans if they differ."""
        word, known = described(self.said), listed_word(status)
        if back := way_back(status, self.said):
            came = back.status is Status.RETURNED
            return [self._as((known or word or "Delivered") if came else "Return to sender", back, inferred=came)]
        by_text = STATUSES.get(word, _UNKNOWN)
        if not status or STATUSES.get(known) == by_text:
            return [self._as(word or self._own_code(), by_text)]
        by_status = self._as(known or status, STATUSES.get(known, _UNKNOWN))
        return [self._as(word, by_text), by_status] if word else [by_status]

    def _own_code(self) -> str:
        """What operators can map: the event's code, else its text where it is short."""
        return self.code or (self.said if len(self.said) <= _LONGEST_CODE else "")

    def _as(self, code: str, meaning: Meaning, *, inferred: bool = False) -> Scan:
        return replace(self.scan, carrier_code=code, status=meaning.status, reason=meaning.reason, inferred=inferred)


def _together(articles: Sequence[list[Scan]]) -> list[list[Scan]]:
    """Of several articles the last one to arrive makes the delivery; the others are parts of it."""
    arrivals = [[scan.at for scan in scans if scan.status is Status.DELIVERED] for scans in articles]
    if len(articles) < 2:
        return list(articles)
    last = max(max(times) for times in arrivals) if all(arrivals) else None
    meaning = STATUSES[_PARTIAL]
    return [
        [
            replace(scan, carrier_code=_PARTIAL, status=meaning.status, reason=meaning.reason)
            if scan.status is Status.DELIVERED and scan.at != last
            else scan
            for scan in scans
        ]
        for scans in articles
    ]
