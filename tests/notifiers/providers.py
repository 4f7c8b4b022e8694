"""The other side of an HTTP notifier: scripted answers, and what was asked of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from gateway.contract.client import contract_client
from gateway.domain import Message, ProviderTemplate

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
SAMPLES = Path(__file__).parents[1] / "samples"


def vectors(code: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / code / "vectors.json").read_text(encoding="utf-8"))
    return found


class Provider:
    """Answers in turn, the last one for ever. An answer is JSON, (status, JSON), or an error of httpx to raise."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, content=content, request=request)


def made(
    kind: type[Any],
    provider: Provider,
    settings: dict[str, Any],
    *,
    clock: Callable[[], datetime] = lambda: NOW,
    nonce: Callable[[], str] = lambda: "fixed-nonce",
) -> Any:
    """A notifier whose requests all go to `provider`."""
    checked = kind.Settings.model_validate(settings)
    client = contract_client(getattr(checked, "base_url", ""), httpx.MockTransport(provider))
    return kind(checked, client, clock=clock, nonce=nonce)


def message(**changes: Any) -> Message:
    """A notice about a parcel that has not moved for five days."""
    given: dict[str, Any] = {
        "id": "evt_01J9Z0STALL",
        "locale": "zh-CN",
        "subject": "包裹停滞",
        "text": "包裹已5天没有更新",
        "params": {"no": "SF1000000000001", "days": "5"},
        "template": ProviderTemplate(id="SMS_000000001", params={"no": "no", "days": "days"}),
        "created_at": NOW,
    }
    return Message(**{**given, **changes})
