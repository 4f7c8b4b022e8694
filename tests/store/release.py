"""`python -m tests.store.release`: a short life of this gateway as a file, kept when its schema is released.

tests/store/test_forward.py brings every file of tests/store/released to the newest schema. Never write one anew: what
it holds was made by the code of its time.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
import tempfile
from pathlib import Path

from gateway.store.engine import connect
from gateway.store.export import export
from gateway.store.migrate import newest, upgrade
from tests.store.files import FINGERPRINT, quiet
from tests.store.life import live

RELEASED = Path(__file__).parent / "released"


async def keep() -> Path:
    kept = RELEASED / f"{newest()}.jsonl"
    if kept.exists():
        raise SystemExit(f"{kept} is there: what was released does not change")
    with tempfile.TemporaryDirectory() as folder:
        store = connect(f"sqlite:///{folder}/life.db")
        await upgrade(store)
        await live(store)
        await export(store, Path(folder) / "life.gz", secret=FINGERPRINT, told=quiet)
        await store.close()
        kept.write_bytes(gzip.decompress((Path(folder) / "life.gz").read_bytes()))
    return kept


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(keep())}\n")
