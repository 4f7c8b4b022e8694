"""What samples cannot say about ZTO: the sheet's vectors, pushes as bytes, the time of a push that tells none."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote_from_bytes

import httpx
import pytest

from adapters.zto import ZtoAdapter, ZtoSettings
from gateway.contract import BadSignature, Outcome, Push, Verdict
from gateway.contract.signing import md5_base64
from gateway.domain import Status
from gateway.rules.fold import fold_scans

FOLDER = Path(__file__).parent.parent / "samples" / "zto"
VECTORS = {vector["name"]: vector for vector in json.loads((FOLDER / "vectors.json").read_text())}
SECRET = b"demoZtoSecret0001"
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def adapter(secret: str = SECRET.decode()) -> ZtoAdapter:
    settings = ZtoSettings(base_url="https://zto.test", app_key="demoAppKey", app_secret=secret)
    return ZtoAdapter(settings, httpx.AsyncClient(base_url="https://zto.test"), clock=lambda: NOON)


def push(data: bytes, digest: str | None = None) -> Push:
    """A form as some clients send it: every byte of the value escaped."""
    signed = md5_base64(data + SECRET) if digest is None else digest
    fields = {"msg_type": b"Traces", "data": data, "data_digest": signed.encode()}
    return Push(body="&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in fields.items()).encode())


def event(action: str, at: str, said: str = "") -> Push:
    fields = {"billCode": "73100000000001", "actionTime": at, "action": action, "desc": said}
    return push(json.dumps(fields, ensure_ascii=False).encode())


@pytest.mark.parametrize("name", ["query_digest", "push_digest"])
def test_the_digest_is_the_sheets(name: str) -> None:
    vector = VECTORS[name]
    signed, expected = (vector["inputs"].get(field) for field in ("body", "data")), vector["expected"]
    text = next(value for value in signed if value)
    zto = adapter(vector["inputs"]["appSecret"])
    assert zto._digest(text.encode()) in expected.values()


def test_a_push_is_verified_over_its_bytes_even_if_they_are_no_utf8() -> None:
    gbk = '{"billCode":"73100000000001","desc":"已到达"}'.encode("gbk")
    adapter().verify(push(gbk))
    with pytest.raises(BadSignature):
        adapter().verify(push(gbk, md5_base64(gbk.decode("gbk").encode() + SECRET)))


def test_the_first_of_repeated_fields_is_verified_and_read() -> None:
    genuine, forged = event("GOT", "2026-03-05 07:46:00"), b"&data=%7B%22billCode%22%3A%22forged%22%7D"
    both = replace(genuine, body=genuine.body + forged)
    adapter().verify(both)
    assert [scan.tracking_number for scan in adapter().receive(both)] == ["73100000000001"]
    with pytest.raises(BadSignature):
        adapter().verify(replace(genuine, body=forged[1:] + b"&" + genuine.body))


@pytest.mark.parametrize("field", [b"datax=1", b"xdata=1", b"DATA=1", b""])
def test_a_body_without_the_field_data_is_forged(field: bytes) -> None:
    with pytest.raises(BadSignature):
        adapter().verify(Push(body=field))


def test_a_pre_order_state_has_the_time_it_came_in_at_every_replay() -> None:
    state = push(b'{"order_code":"2101","bill_code":"73100000000001","pre_order_status":15}')
    arrived = replace(state, received_at=datetime(2026, 3, 4, 1, 2, 3, tzinfo=UTC))
    assert adapter().receive(arrived)[0].at == arrived.received_at
    assert adapter().receive(arrived) == adapter().receive(arrived)
    assert adapter().receive(state)[0].at == NOON


def test_a_return_that_is_signed_is_returned_and_a_second_address_that_is_signed_is_delivered() -> None:
    back = [event("RETURN_SCAN", "2026-03-05 08:00:00", "退回"), event("RETURN_SIGNED", "2026-03-06 08:00:00")]
    elsewhere = [event("RETURN_SCAN", "2026-03-05 08:00:00", "改地址"), event("SIGNED", "2026-03-06 08:00:00")]
    assert fold_scans(scan for one in back for scan in adapter().receive(one)).status is Status.RETURNED
    assert fold_scans(scan for one in elsewhere for scan in adapter().receive(one)).status is Status.DELIVERED


@pytest.mark.parametrize("verdict", [Verdict.FORGED, Verdict.BUSY])
def test_no_is_said_in_ztos_own_form(verdict: Verdict) -> None:
    reply = adapter().acknowledge(Outcome(verdict=verdict, push=Push()))
    answer = json.loads(reply.body)
    assert (answer["status"], answer["statusCode"], answer["result"], reply.status) == (False, "500", None, 200)
