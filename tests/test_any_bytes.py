"""Any bytes into any reader raise only errors of the contract: from nothing, and from bent samples."""

from __future__ import annotations

import contextlib
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contract import CarrierAdapter, ContractError, Push
from gateway.contract.client import contract_client
from gateway.contract.suite import Subject
from gateway.contract.suite_play import read
from gateway.domain import LegRef
from tests.compliance import examined, plugins
from tests.fuzz.campaign import SLOW_MS, readers, throw

TEXTS = st.one_of(
    st.text(max_size=60),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20)),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)),
        max_leaves=12,
    ).map(repr),
)
BODIES = st.one_of(st.binary(max_size=300), TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "authorization", "x-hmac-signature", "credential", "digest"]), st.text(max_size=30)
)
QUICKLY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ids(path: Path) -> str:
    return path.stem


def built(subject: Subject, body: bytes) -> object:
    base_url = str(getattr(subject.plugin.Settings.model_validate(subject.settings), "base_url", subject.base_url))
    client = contract_client(base_url, httpx.MockTransport(lambda request: httpx.Response(200, content=body)))
    return subject.plugin(subject.plugin.Settings.model_validate(subject.settings), client, clock=lambda: subject.now)


@pytest.mark.parametrize("path", readers(), ids=ids)
@QUICKLY
@given(body=BODIES, headers=HEADERS, token=st.one_of(st.none(), st.text(max_size=20)))
def test_any_bytes_as_a_push(path: Path, body: bytes, headers: dict[str, str], token: str | None) -> None:
    subject = examined(path)
    plugin = built(subject, b"")
    push = Push(path="/webhooks/x", headers=headers, body=body, token=token, received_at=subject.now)
    with contextlib.suppress(ContractError):
        plugin.verify(push)  # type: ignore[attr-defined]
    with contextlib.suppress(ContractError):
        assert all(one is not None for one in read(plugin, push))


@pytest.mark.parametrize("path", plugins("adapters"), ids=ids)
@QUICKLY
@given(body=BODIES)
async def test_any_bytes_as_the_answer_to_a_poll(path: Path, body: bytes) -> None:
    subject = examined(path)
    plugin = built(subject, body)
    assert isinstance(plugin, CarrierAdapter)
    leg = LegRef(carrier=path.stem, tracking_number="X1234567890", phone="+8613800005514")
    with contextlib.suppress(ContractError):
        for scan in await plugin.poll([leg]):
            assert scan.at.utcoffset() is not None


@pytest.mark.parametrize("path", readers(), ids=ids)
async def test_bent_samples_escape_nobody(path: Path) -> None:
    """The short form of `make fuzz`."""
    tally = await throw(path, 400)
    assert not tally.escapes, "\n".join(f"{crash}: {body[:300]!r}" for crash, body in tally.escapes.items())
    assert tally.slowest_ms < 20 * SLOW_MS, tally.slowest[:300]
