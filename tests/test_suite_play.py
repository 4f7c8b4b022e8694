"""The provider's side of a sample says what is wrong with the sample itself."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.contract.suite_play import Script


@pytest.mark.parametrize(
    ("wanted", "complaints"),
    [
        (["waybill"], []),
        (["parcel"], ["the request lacks 'parcel'"]),
        ("liabyaw", ["body_contains: a list of texts is needed, not 'liabyaw'"]),
        ([1], ["body_contains: a list of texts is needed, not [1]"]),
    ],
)
async def test_what_a_request_must_hold_is_a_list_of_texts(wanted: Any, complaints: list[str]) -> None:
    asked = {"method": "POST", "path": "/track", "body_contains": wanted}
    script = Script([{"request": asked, "response": {"json": {}}}])
    async with httpx.AsyncClient(transport=httpx.MockTransport(script), base_url="https://carrier.test") as client:
        await client.post("/track", content=b"waybill")
    assert script.complaints == complaints
