"""`python -m tests.fuzz --inputs 100000 [code ...]`: bent payloads at each plugin; ends with a line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys

from tests.fuzz.campaign import SLOW_MS, readers, throw


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--inputs", type=int, default=100_000, help="per plugin")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("codes", nargs="*", help="only these plugins")
    given = arguments.parse_args()
    logging.disable(logging.CRITICAL)  # what plugins say of bent payloads would bury what is found
    total, escaped, slowest = 0, 0, 0.0
    for path in readers():
        if given.codes and path.stem not in given.codes:
            continue
        tally = asyncio.run(throw(path, given.inputs, given.seed))
        total += tally.inputs
        escaped += len(tally.escapes)
        slowest = max(slowest, tally.slowest_ms)
        print(f"{path.stem}: {tally.inputs} inputs, slowest {tally.slowest_ms:.1f} ms")  # noqa: T201 - a command
        if tally.slowest_ms > SLOW_MS:
            print(f"  slow: {tally.slowest[:200]!r}")  # noqa: T201
        for crash, body in tally.escapes.items():
            print(f"  escaped: {crash}: {body[:200]!r}")  # noqa: T201
    print(json.dumps({"inputs": total, "escaped": escaped, "slowest_ms": round(slowest, 1)}))  # noqa: T201
    return 1 if escaped or slowest > SLOW_MS else 0


if __name__ == "__main__":
    sys.exit(main())
