"""No statement of the gateway at work reads a growing table whole, on either store.

The statements are those that it really says (tests/store/recorder.py); a function of gateway.store that said nothing
while it was listened to fails the second test: what nobody looked at may well read everything.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import gateway.store
from gateway.store.engine import connect
from gateway.store.reading import question
from tests.store.multiply import multiply
from tests.store.plans import GROWING, grows
from tests.store.recorder import Recorder, Said
from tests.store.scenario import a_day, town
from tests.store.seldom import forgetting, seldom

ROWS = 6_000
#: (who says it, what its plan or statement has in it) -> why it may.
MAY = {
    ("lanes.learn", ""): "once an hour: the dwells of the last 90 days are ranked anew",
    ("incidents.live_legs", ""): "a count of what is under way: once a minute for /metrics, once for an incident",
    ("incidents.stalled", "shipments_stalled"): "an index of what is stalled now, and of nothing else",
    ("cases.counts", "cases_standing"): "an index of what is open now, and of nothing else",
    ("cases.listing", "cases_open"): "overdue ones among an index of what is open now",
    ("cases.listing", "coalesce"): "overdue=false passes over those that are overdue",
    ("shipments.listing", "shipments_stalled filter []"): "an index of what is stalled now, and of nothing else",
    ("shipments.listing", "LIKE"): "a beginning that all share: PostgreSQL reads on, up to 500 of them",
    ("shipments.listing", "stalled = 0"): "stalled=false passes over those that are stalled",
    ("inbox.listing", "inbox.carrier = "): "an operator's search from the newest back; an index would slow every push",
    ("retention.find", "LIMIT ? OFFSET ?) AS anon_1"): "the condition is on those that the LIMIT left, not on the walk",
    ("inbox.forget", ""): "a person is erased: raw bodies are searched for a number",
    ("messages.forget", ""): "a person is erased: what was said about a shipment, or about its order alone",
    ("set_back.set_back", ""): "the machine's clock was set back: all that was scheduled ahead moves, once",
    ("legs.telling", ""): "an operator said what a code means: histories are searched for it, 200 at a time",
}
#: What only people and tests ask for, never the gateway; and those that move or make a whole store.
UNASKED = {"outbox.of_kind", "shipments.mentioning"}
MOVING = {"export", "load", "migrate"}
#: They speak on one store only.
ONE_STORE = {"sqlite": {"census.processes", "incidents.alone", "ledger.alone", "legs.hold_names", "migrate.alone"}}


async def test_no_statement_reads_a_growing_table_whole(database_url: str) -> None:
    recorder = Recorder()
    async with town(database_url, recorder.listening) as opened:
        await a_day(opened)
        await seldom(opened.gateway.store)
        await forgetting(opened.gateway.store)
    store = connect(database_url)
    try:
        await multiply(store, GROWING, ROWS)
        sql, parameters = question(store.dialect, ["SF1", "SF2"])  # said to the driver itself
        spoken = [*recorder.said, Said(statement=sql, parameters=parameters, by="reading.question")]
        found = [(said, await grows(store, said)) for said in spoken if said.finds]
    finally:
        await store.close()
    wrong = [f"{said.by}\n{said.statement}\n{problems}" for said, problems in found if problems]
    assert not [told for told in wrong if not _may(told)], "\n\n".join(told for told in wrong if not _may(told))
    silent = set(_functions()) - recorder.callers - UNASKED - ONE_STORE.get(store.dialect, set())
    assert not silent, f"call them in tests/store/scenario.py or seldom.py: {sorted(silent)}"


def _may(told: str) -> bool:
    return any(told.startswith(f"{by}\n") and part in told for by, part in MAY)


def _functions() -> Iterator[str]:
    """Every function of gateway.store that is handed a transaction, like "shipments.locked"."""
    for path in Path(gateway.store.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            public = isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_")
            if public and path.stem not in MOVING and node.args.args and node.args.args[0].arg == "tx":
                yield f"{path.stem}.{node.name}"
