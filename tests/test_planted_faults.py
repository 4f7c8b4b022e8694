"""The compliance suite finds each fault of house.md section 4, and names that one only."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.contract.suite import problems
from tests.compliance import examined, plugin
from tests.planted import faults
from tests.planted.faults import Plant, on_top, patched

#: Faults that can be planted in any adapter: (name, code, plant).
ANYWHERE: list[tuple[str, str, Plant]] = [
    ("an unknown code becomes in_transit", "unknown_code", on_top(faults.guesses_codes)),
    ("the HTTP status is not checked", "http_status", on_top(faults.ignores_status)),
    ("the signature is skipped", "signature", on_top(faults.skips_the_signature)),
    ("an empty secret is accepted", "empty_secret", on_top(faults.takes_empty_secrets)),
    ("times are naive", "naive_time", on_top(faults.makes_naive_times)),
    ("it imports another adapter", "imports", faults.imports("import adapters.sf")),
    ("it imports a neighbour relatively", "imports", faults.imports("from . import sf")),
    ("it imports a floor above", "imports", faults.imports("from gateway.store import engine")),
    ("it imports the roof from the package", "imports", faults.imports("from gateway import app")),
    ("it imports a stranger by name", "imports", faults.imports('__import__("aiohttp")')),
    ("an ability is declared and not written", "ability", on_top(faults.promises_too_much)),
    ("what is said twice is told once", "order", on_top(faults.forgets_what_it_said)),
    ("rubbish raises KeyError", "rubbish", on_top(faults.chokes_on_rubbish)),
]
#: Faults planted in the source of one adapter: (adapter, name, code, plant). A further adapter is a row here.
SOMEWHERE: list[tuple[str, str, str, Plant]] = [
    ("easypost", "signatures are compared as str", "signature",
     patched("same(given,", "hmac.compare_digest(given,", header="import hmac\n")),
    ("easypost", "signatures are compared with ==", "signature",
     patched("same(given, _signature(secret, request.body))",
             "given == _signature(secret, request.body)")),
    ("easypost", "an unsigned push is let in", "signature",
     patched("if not any(", 'if given != "" and not any(')),
    ("easypost", "half of the body is signed", "signature",
     patched("_signature(secret, request.body)",
             "_signature(secret, request.body) if len(request.body) < 9 else given")),
    ("easypost", "a refused refund is a yes", "hidden_no",
     patched("if state not in _VOIDED:", "if False:")),
    ("easypost", "a code is read by its beginning", "unknown_code",
     patched("self.meaning(code)", "self.statuses.get(code) or "
             "next((m for w, m in self.statuses.items() if code.startswith(w)), self.meaning(code))")),
    ("easypost", "the last in the list is the last in time", "order",
     patched("return handed_back(scans)", "return [replace(scan, status=Status.RETURNED, inferred=True) "
             "if scan.status is Status.DELIVERED and any(one.status is Status.RETURNING for one in scans[:number]) "
             "else scan for number, scan in enumerate(scans)]")),
    ("easypost", "a buy is not marked as a deed", "lost_answer",
     patched("deed=deed, ", "")),
    ("easypost", "a lost parcel is a damaged one", "samples",
     patched('("lost", Status.EXCEPTION, Reason.LOST)', '("lost", Status.EXCEPTION, Reason.DAMAGED)')),
    ("easypost", "it opens its own door", "http_status",
     patched("ask(self.http, ", "ask(httpx.AsyncClient(transport=self.http._transport, base_url=self.http.base_url), ",
             header="import httpx\n")),
]  # fmt: skip
#: Where the general ones are planted: an aggregator of the west and a carrier that answers no inside 200.
PLANTED = ["easypost", "jtexpress", "zto"]


def rows() -> list[object]:
    general = [(adapter, *row) for adapter in PLANTED for row in ANYWHERE]
    return [
        pytest.param(adapter, code, plant, id=f"{adapter}: {name}")
        for adapter, name, code, plant in [*general, *SOMEWHERE]
    ]


@pytest.mark.parametrize("adapter", PLANTED)
async def test_nothing_is_found_where_nothing_is_planted(adapter: str) -> None:
    assert await problems(examined(plugin("adapters", adapter))) == []


@pytest.mark.parametrize(("adapter", "code", "plant"), rows())
async def test_a_planted_fault_is_found_and_no_other(adapter: str, code: str, plant: Plant, tmp_path: Path) -> None:
    found = await problems(plant(examined(plugin("adapters", adapter)), tmp_path))
    assert {problem.code for problem in found} == {code}, "\n".join(str(problem) for problem in found[:10])
