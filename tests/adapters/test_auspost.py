"""Australia Post: the sheet's vector, and what its samples cannot show."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.auspost import AusPostAdapter
from adapters.auspost.settings import AusPostSettings
from adapters.auspost.statuses import STATUSES, described, way_back
from gateway.contract import OutcomeUnknown
from gateway.contract.client import contract_client
from gateway.domain import FINAL, Address, LegRef, Parcel, Party

SAMPLES = Path(__file__).parent.parent / "samples"
[VECTOR] = json.loads((SAMPLES / "auspost" / "vectors.json").read_text(encoding="utf-8"))
HOME = Party(name="A. Sample", address=Address(country="AU", city="Sydney"))
PARCEL = Parcel(order_id="SO-1", sender=HOME, recipient=HOME, service="7E55")
LEG = LegRef(carrier="auspost", tracking_number="ABC000000001")


class Vendor:
    """A stand-in with a list of shipments, which loses the answer to a POST if it is told to."""

    def __init__(self, *, lose: bool = False, others: int = 0) -> None:
        self.lose = lose
        self.shipments: list[dict[str, Any]] = [{"shipment_reference": f"other-{n}"} for n in range(others)]
        self.headers: httpx.Headers = httpx.Headers()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.headers = request.headers
        if request.url.path == "/track":
            return httpx.Response(200, json={"tracking_results": []})
        if request.method == "GET":
            start = int(request.url.params["offset"])
            return httpx.Response(200, json={"shipments": self.shipments[start : start + 100]})
        [asked] = json.loads(request.content)["shipments"]
        item = {"tracking_details": {"article_id": f"A{len(self.shipments)}"}}
        made = {"shipment_id": f"s{len(self.shipments)}", "shipment_reference": asked["shipment_reference"]}
        self.shipments.append({**made, "items": [item]})
        if self.lose:
            raise httpx.ReadTimeout("lost", request=request)
        return httpx.Response(201, json={"shipments": self.shipments[-1:]})


def adapter(handler: Any, **settings: Any) -> AusPostAdapter:
    given = {"api_key": "apkey-made-up", "api_secret": "apsecret-made-up", "account_number": "12345678", **settings}
    checked = AusPostSettings(base_url="https://auspost.test", **given)
    client = contract_client("https://auspost.test", httpx.MockTransport(handler))
    return AusPostAdapter(checked, client, clock=lambda: datetime(2026, 1, 15, tzinfo=UTC))


async def test_the_authorization_header_is_the_vectors_and_the_account_has_ten_digits() -> None:
    vendor = Vendor()
    await adapter(vendor, **VECTOR["inputs"]).poll([LEG])
    assert vendor.headers["authorization"] == VECTOR["expected"]["Authorization"]
    assert vendor.headers["account-number"] == "0012345678"


async def test_a_lost_answer_is_found_and_nothing_is_made_twice() -> None:
    vendor = Vendor(lose=True, others=150)
    speaks = adapter(vendor)
    with pytest.raises(OutcomeUnknown):
        await speaks.book(PARCEL, "case-1")
    booking = await speaks.find_booking("case-1")
    assert booking is not None
    assert await speaks.book(PARCEL, "case-1") == booking
    assert len(vendor.shipments) == 151


async def test_a_list_longer_than_we_look_leaves_the_outcome_unknown() -> None:
    with pytest.raises(OutcomeUnknown, match="find_pages"):
        await adapter(Vendor(others=200), find_pages=2).find_booking("case-1")


def test_no_phrase_of_the_corpus_is_an_end_that_it_is_not() -> None:
    """What is not listed stays unknown; what is read as an end must be that end."""
    with (SAMPLES / "phrases" / "auspost.en.tsv").open(encoding="utf-8", newline="") as lines:
        rows = [(label.lstrip("!").split("/")[0], said) for label, said in csv.reader(lines, delimiter="\t")]
    for label, said in rows:
        meaning = way_back("", said) or STATUSES.get(described(said))
        assert meaning is None or meaning.status not in FINAL or meaning.status == label, said
