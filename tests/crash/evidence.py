"""What is needed to find out why: every kill, everything the stand-ins were asked and sent, every row of the store."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import select

from gateway.sandbox.world import World
from gateway.store import tables
from gateway.store.away import StoreAway
from gateway.store.engine import connect
from tests.crash.fleet import Fleet
from tests.crash.report import Report

log = logging.getLogger(__name__)
TABLES = (
    *("shipments", "legs", "polls", "watches", "inbox", "strays", "outbox"),
    *("cases", "case_events", "ledger", "messages", "incidents"),
)


async def keep(folder: Path, report: Report, fleet: Fleet, world: World, url: str) -> None:
    """Write it below folder/evidence, a line of JSON for each; the processes' logs are in the folder already."""
    own = folder / "evidence"
    own.mkdir()
    _write(own / "lost", ({"lost": line} for line in report.lost))
    _write(own / "doubled", ({"doubled": line} for line in report.doubled))
    _write(own / "unsure", ({"unsure": line} for line in report.unsure))
    _write(own / "kills", map(asdict, fleet.kills))
    _write(own / "calls", ({name: getattr(call, name) for name in call.__slots__} for call in world.calls))
    _write(own / "messages_received", map(asdict, world.messages))
    store = connect(url, pool=1)
    try:
        async with store.read() as tx:
            for name in TABLES:
                rows = (await tx.conn.execute(select(getattr(tables, name)))).all()
                _write(own / name, (dict(row._mapping) for row in rows))
    except StoreAway as error:
        log.warning("the store could not be kept: %s", error)
    finally:
        await store.close()


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.with_suffix(".jsonl").open("w") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
