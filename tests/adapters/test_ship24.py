"""Ship24: what its samples cannot show (its secrets are static, so the sheet has no vectors)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.ship24 import Ship24Adapter, Ship24Settings
from gateway.contract import BadSignature, Can, Outcome, Push, Verdict
from gateway.contract.client import contract_client
from gateway.domain import LegRef, Status

TRACKER = {"trackerId": "t-1", "trackingNumber": "RR1"}


def adapter(handler: Any, **settings: Any) -> Ship24Adapter:
    checked = Ship24Settings(base_url="https://ship24.test", api_key="apik_made_up", **settings)
    client = contract_client("https://ship24.test", httpx.MockTransport(handler))
    return Ship24Adapter(checked, client, clock=lambda: datetime(2026, 1, 15, tzinfo=UTC))


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked")


def test_without_a_secret_no_push_is_taken_or_asked_for() -> None:
    speaks = adapter(nobody)
    assert speaks.able(speaks.settings) == Can.POLL
    for header in ("Bearer ", "Bearer", ""):
        with pytest.raises(BadSignature):
            speaks.verify(Push(headers={"authorization": header}, body=b"{}"))


def test_a_plan_per_call_has_no_trackers() -> None:
    speaks = adapter(nobody, plan="per_call", webhook_secret="made-up")
    assert speaks.able(speaks.settings) == Can.POLL


async def test_a_plan_per_call_searches() -> None:
    seen: list[tuple[str, Any]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.path, json.loads(request.content)))
        event = {"statusMilestone": "delivered", "occurrenceDatetime": "2026-01-14T10:00:00Z"}
        return httpx.Response(200, json={"data": {"trackings": [{"tracker": TRACKER, "events": [event]}]}})

    leg = LegRef(carrier="usps", tracking_number="RR1", company="us-post")
    [scan] = await adapter(handler, plan="per_call").poll([leg])
    assert (scan.status, scan.company) == (Status.DELIVERED, "us-post")
    assert seen == [("/tracking/search", {"trackingNumber": "RR1", "courierCode": ["us-post"]})]


@pytest.mark.parametrize("verdict", Verdict)
def test_no_answer_says_success_false(verdict: Verdict) -> None:
    reply = adapter(nobody).acknowledge(Outcome(verdict=verdict, push=Push()))
    assert reply.body == b""
