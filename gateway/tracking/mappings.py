"""What operators say about codes nobody had read: in force at once, and for the history as well."""

from __future__ import annotations

from itertools import groupby

from gateway.contract import Meaning
from gateway.outcome import Done
from gateway.runtime import Runtime
from gateway.store import audit, legs, mappings, outbox
from gateway.store.engine import Tx
from gateway.store.history import decode
from gateway.store.ids import new_id
from gateway.store.outbox import Deed
from gateway.store.rows import Row
from gateway.tracking.learn import reread
from gateway.tracking.reading import LONGEST_CODE, unread

#: The kind of deed that reads history again.
REREAD = "reread"
_AT_ONCE = 100


async def set_mapping(rt: Runtime, tx: Tx, carrier: str, code: str, meaning: Meaning, who: str) -> None:
    """From now on a code of this row means this. The history that holds it is read again by a deed (`do_reread`)."""
    now, key = rt.clock(), (carrier, code[:LONGEST_CODE])
    before = (await mappings.of(tx, {key})).get(key)
    await mappings.put(tx, key, meaning, who=who, at=now)
    detail = {"before": before._asdict() if before else None, "after": meaning._asdict()}
    await audit.add(tx, now, who, "mapping.write", f"{carrier}/{code}"[:120], detail)
    payload = {"carrier": carrier, "carrier_code": key[1]}
    await outbox.add(tx, Deed(kind=REREAD, key=f"{REREAD}:{new_id('map')}", payload=payload, due_at=now), now)
    tx.after_commit(lambda: rt.signals.wake("outbox"))


async def do_reread(rt: Runtime, deed: Row) -> Done:
    """Read again every leg to which a code was told. Nobody is told of what changes by it; repeating it is harmless."""
    code = (deed.payload["carrier"], deed.payload["carrier_code"])
    after, count = "", 0
    while True:
        async with rt.store.read() as tx:
            rows = await legs.telling(tx, *code, after=after, limit=_AT_ONCE)
        if not rows:
            return Done(result={"legs": count})
        after = rows[-1].id
        holding = [row for row in rows if code in unread(decode(row.history))]
        for shipment_id, some in groupby(sorted(holding, key=_owner), key=_owner):
            leg_ids = [row.id for row in some]
            async with rt.store.write() as tx:
                count += len(await reread(rt, tx, shipment_id, leg_ids))


def _owner(row: Row) -> str:
    return str(row.shipment_id)
