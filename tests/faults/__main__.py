"""`python -m tests.faults [--short] [name ...]`: does faults to a real gateway; ends with one line of JSON per fault.

Whole, it writes the table in docs/reliability.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from tests.faults.every import NAMES, faults
from tests.faults.finding import Finding
from tests.faults.table import write


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--short", action="store_true", help="seconds instead of minutes")
    arguments.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all when absent")
    given = arguments.parse_args()
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        arguments.error(f"there is no {', '.join(unknown)}")
    findings = asyncio.run(_done(given.names or NAMES, given.short))
    if not given.short and not given.names:
        write(findings)
    for finding in findings:
        print(json.dumps(finding.line()))  # noqa: T201 - a command
    return 0 if all(finding.good for finding in findings) else 1


async def _done(names: list[str], short: bool) -> list[Finding]:
    findings = []
    async for finding in faults(names, short=short):
        print(f"{finding.fault}: {finding.done}", flush=True)  # noqa: T201
        for line in finding.seen:
            print(f"  {line}", flush=True)  # noqa: T201
        for kind in ("wrong", "lost", "doubled"):
            for line in getattr(finding, kind)[:20]:
                print(f"  {kind}: {line}", flush=True)  # noqa: T201
        findings.append(finding)
    return findings


if __name__ == "__main__":
    sys.exit(main())
