"""Cases: opened once, cleared by what comes next, moved by people, and their timeline tells it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.cases.actions import (
    NoSuchCase,
    NotPossible,
    approve,
    assign,
    comment,
    reject,
    reopen,
    resolve,
    retry,
)
from gateway.cases.fault import fault_of
from gateway.cases.opening import open_case
from gateway.cases.report import Report, report_exception
from gateway.domain import Fault, Reason, Status
from gateway.outcome import No
from gateway.rules.kinds import ORDER_KINDS, case_kinds
from gateway.rules.playbook import PlaybookContext
from gateway.store import audit, outbox
from gateway.store import cases as rows
from gateway.store.cases import Wanted
from gateway.store.engine import Store
from tests.remedies.world import World, world

ASK = {"do": "ask", "question": "ops_case", "within_hours": 4}
ASSIGN = {"do": "assign", "owner": "care", "within_hours": 24}
MESSAGE = {"do": "message", "template": "ops_case", "to": "operators"}


def book(*remedies: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"playbooks": {"default": {"severity": "high", "remedies": list(remedies), **more}}}


async def reported(rt: World, kind: str = "out_of_stock", order: str = "SO-9") -> tuple[str, bool]:
    async with rt.store.write() as tx:
        return await report_exception(rt, tx, Report(order_id=order, kind=kind, detail="shelf is empty"), who="shop")


async def test_what_the_order_system_sees_is_one_open_case_of_a_kind(store: Store) -> None:
    rt = world(store, playbooks=book(MESSAGE))
    first, second = await reported(rt), await reported(rt)
    assert (first[1], second[1]) == (True, False)
    assert first[0] == second[0]
    await rt.deliver()
    assert len(rt.said) == 1
    await resolve(rt, first[0], who="ops")
    third = await reported(rt)
    assert third[1] and third[0] != first[0]


async def test_at_the_same_moment_too(store: Store) -> None:
    rt = world(store, playbooks=book(MESSAGE))
    answers = await asyncio.gather(*(reported(rt) for _ in range(5)))
    assert sorted(new for _, new in answers) == [False] * 4 + [True]


@pytest.mark.parametrize("kind", ORDER_KINDS)
async def test_every_kind_of_report_has_a_case(store: Store, kind: str) -> None:
    rt = world(store)
    await rt.register(order="SO-9")
    await reported(rt, kind)
    case = await rt.case(kind)
    assert (case["order_id"], case["carrier"]) == ("SO-9", "sf")
    assert case["shipment_id"] is not None


async def test_another_kind_is_refused_by_name(store: Store) -> None:
    with pytest.raises(ValueError, match="kind: 'lateness' is none of"):
        await reported(world(store), "lateness")


@pytest.mark.parametrize("reason", Reason)
async def test_every_reason_a_carrier_reports_has_a_case(store: Store, reason: Reason) -> None:
    rt = world(store, playbooks=book(ASSIGN))
    await rt.register()
    await rt.hear("SF1", Status.EXCEPTION, reason=reason)
    case = await rt.case(f"exception_{reason}")
    assert case["evidence"]["carrier_code"] == "exception"
    await rt.hear("SF1", Status.OUT_FOR_DELIVERY, at=rt.time.forward(hours=1))
    assert (await rt.case(f"exception_{reason}"))["state"] == "cleared"
    assert {remedy["state"] for remedy in (await rt.case(f"exception_{reason}"))["remedies"]} == {"dropped"}


async def test_an_exception_told_again_is_no_second_case(store: Store) -> None:
    rt = world(store, playbooks=book(MESSAGE))
    await rt.register()
    at = rt.clock()
    await rt.hear("SF1", Status.EXCEPTION, reason=Reason.LOST, at=at)
    await resolve(rt, (await rt.case("exception_lost"))["id"], who="ops")
    await rt.hear("SF1", Status.EXCEPTION, reason=Reason.LOST, at=at, text="once more", place="上海市")
    assert len(await rt.cases()) == 1


async def test_history_read_again_tells_nobody(store: Store) -> None:
    rt = world(store, playbooks=book(MESSAGE))
    await rt.register()
    await rt.hear("SF1", Status.EXCEPTION, reason=Reason.LOST, replay=True)
    case = await rt.case("exception_lost")
    assert (case["state"], case["remedies"]) == ("open", [])


async def test_a_damaged_parcel_is_still_damaged_when_it_arrives(store: Store) -> None:
    rt = world(store, playbooks=book())
    await rt.register()
    await rt.hear("SF1", Status.DELIVERED, reason=Reason.DAMAGED)
    assert (await rt.case("exception_damaged"))["state"] == "open"


async def test_an_owner_with_a_deadline(store: Store) -> None:
    rt = world(store, playbooks=book(ASSIGN))
    case_id, _ = await reported(rt)
    await rt.deliver()
    case = await rt.case("out_of_stock")
    assert (case["owner"], case["due_at"]) == ("care", (rt.clock() + timedelta(hours=24)).isoformat())
    assert not case["overdue"]
    rt.time.forward(hours=25)
    assert (await rt.case("out_of_stock"))["overdue"]
    async with store.read() as tx:
        late = await rows.listing(tx, Wanted(overdue=True), now=rt.clock(), limit=5)
        fine = await rows.listing(tx, Wanted(overdue=False), now=rt.clock(), limit=5)
    assert ([row.id for row in late], fine) == ([case_id], [])


async def test_an_owner_whom_a_person_named_stays(store: Store) -> None:
    rt = world(store, playbooks=book(ASSIGN))
    case_id, _ = await reported(rt)
    await assign(rt, case_id, who="ops", owner="lin", note="knows the shop")
    await rt.deliver()
    assert (await rt.case("out_of_stock"))["owner"] == "lin"


@pytest.mark.parametrize("answer, yes", [(approve, True), (reject, False)])
async def test_a_question_waits_for_its_answer(store: Store, answer: Any, yes: bool) -> None:
    rt = world(store, playbooks=book(ASK))
    case_id, _ = await reported(rt)
    await rt.deliver()
    await rt.deliver()
    case = await rt.case("out_of_stock")
    assert (case["state"], case["due_at"]) == ("waiting", (rt.clock() + timedelta(hours=4)).isoformat())
    assert len(rt.said) == 1
    await answer(rt, case_id, who="lin", note="Friday")
    await rt.deliver()
    (asked,) = [remedy for remedy in (await rt.case("out_of_stock"))["remedies"] if remedy["kind"] == "ask"]
    assert asked["state"] == "done"
    assert (asked["result"]["yes"], asked["result"]["by"], asked["result"]["note"]) == (yes, "lin", "Friday")
    with pytest.raises(NotPossible, match="nothing waits"):
        await answer(rt, case_id, who="lin")


async def test_refused_is_told_and_can_be_tried_again(store: Store) -> None:
    rt = world(store, playbooks=book(ASSIGN))
    case_id, _ = await reported(rt)

    async def no(_: Any, deed: Any) -> No:
        return No(reason="nobody is called care")

    await rt.deliver(assign=no)
    case = await rt.case("out_of_stock")
    assert (case["state"], case["remedies"][0]["state"]) == ("open", "refused")
    assert len(rt.said) == 1
    await retry(rt, case_id, who="ops")
    await rt.deliver()
    assert (await rt.case("out_of_stock"))["remedies"][0]["state"] == "done"
    with pytest.raises(NotPossible, match="refused or is dead"):
        await retry(rt, case_id, who="ops")


async def test_resolved_and_reopened_by_a_person(store: Store) -> None:
    rt = world(store, playbooks=book({**ASSIGN, "delay_hours": 5}))
    case_id, _ = await reported(rt)
    await comment(rt, case_id, who="ops", note="called the shop")
    await resolve(rt, case_id, who="ops", note="back in stock")
    case = await rt.case("out_of_stock")
    assert (case["state"], case["remedies"][0]["state"]) == ("resolved", "dropped")
    for action in (approve, reject, retry, resolve):
        with pytest.raises(NotPossible, match="the case is resolved"):
            await action(rt, case_id, who="ops")
    await reopen(rt, case_id, who="ops")
    assert (await rt.case("out_of_stock"))["state"] == "open"
    with pytest.raises(NotPossible):
        await reopen(rt, case_id, who="ops")
    who = [(line["who"], line["what"]) for line in (await rt.case("out_of_stock"))["timeline"]]
    said = [("gateway", "opened"), ("shop", "reported"), ("ops", "comment"), ("ops", "resolved"), ("ops", "reopen")]
    assert who == said
    async with store.read() as tx:
        audited = [line.what for line in await audit.listing(tx, limit=9)]
    assert audited == ["case.reopen", "case.resolve", "case.comment"]


async def test_it_is_not_reopened_beside_another(store: Store) -> None:
    rt = world(store, playbooks=book())
    first, _ = await reported(rt)
    await resolve(rt, first, who="ops")
    await reported(rt)
    with pytest.raises(NotPossible, match="another case of kind out_of_stock is open"):
        await reopen(rt, first, who="ops")


async def test_a_case_that_is_not_there(store: Store) -> None:
    with pytest.raises(NoSuchCase):
        await comment(world(store), "cs_0", who="ops", note="?")


async def test_a_delayed_remedy_waits_even_when_another_ends_before(store: Store) -> None:
    playbooks = book({"do": "points", "tier": "sorry"}, {"do": "message", "template": "x", "delay_hours": 3})
    rt = world(store, playbooks=playbooks)
    await reported(rt)
    await rt.deliver()
    assert rt.said == [key for key in rt.said if key.endswith("told")]
    rt.time.forward(hours=3)
    await rt.deliver()
    assert [key for key in rt.said if key.endswith(":1:message")]


async def test_lists_are_paged_newest_first(store: Store) -> None:
    rt = world(store, playbooks=book())
    ids = []
    for number in range(5):
        ids.append((await reported(rt, order=f"SO-{number}"))[0])
        rt.time.forward(minutes=number % 2)
    async with store.read() as tx:
        first = await rows.listing(tx, Wanted(kind="out_of_stock"), now=rt.clock(), limit=3)
        last = (first[-1].opened_at, first[-1].id)
        rest = await rows.listing(tx, Wanted(), now=rt.clock(), limit=3, before=last)
        counted = await rows.counts(tx)
    assert sorted(row.id for row in [*first, *rest]) == sorted(ids)
    assert [row.opened_at for row in [*first, *rest]] == sorted((r.opened_at for r in [*first, *rest]), reverse=True)
    assert counted == {("out_of_stock", "open"): 5}


async def test_every_kind_there_is_can_be_opened_without_a_playbook_of_its_own(store: Store) -> None:
    rt = world(store, playbooks=book(ASSIGN))
    async with store.write() as tx:
        for kind in case_kinds():
            context = PlaybookContext()
            opened = await open_case(
                rt,
                tx,
                kind=kind,
                order_id="SO-1",
                shipment_id=None,
                carrier=None,
                cause="",
                evidence={},
                context=context,
            )
            assert opened is not None
            assert [deed.kind for deed in await outbox.of_case(tx, opened)] == ["assign"]


def test_whose_fault_it_is() -> None:
    assert fault_of("stall_in_transit", None) is Fault.CARRIER
    assert fault_of("stall_in_transit", Reason.WEATHER) is Fault.NATURE
    assert fault_of("exception_refused", None) is Fault.RECIPIENT
    assert fault_of("exception_lost", Reason.WEATHER) is Fault.CARRIER
    assert fault_of("stall_pre_transit", None) is None
    assert fault_of("late", Reason.RECIPIENT_ABSENT) is Fault.RECIPIENT
