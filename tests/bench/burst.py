"""Bursts of signed pushes, each sent once and about another parcel of tests.bench.fill, by a process of its own.

Started as `python -m tests.bench.burst <core>`: for each line on stdin, a Burst as JSON, it prints when the first push
was sent and the last one answered, by the machine's clock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import repeat
from typing import Any
from urllib.parse import urlencode

import uvloop

from gateway.contract.signing import compact, md5_base64
from tests.bench import fill
from tests.bench.load import Once
from tests.bench.wire import APP_KEY, APP_SECRET

#: Of eight pushes one is the courier's round and one the signature; the others are hubs.
_WORDS = (
    ("DISPATCH", "【深圳市】快件正在派送，业务员：样例，电话：13900000000"),
    ("SIGNED", "【深圳市】快件已签收，签收人：本人"),
    *repeat(("ARRIVAL", "【郑州市】快件已到达【郑州高新区】，扫描员：样例，联系电话：0371-00000000"), 6),
)
_CHINA = timezone(timedelta(hours=8))
#: Seconds; a burst that takes longer is stuck.
PATIENCE = 300.0


class Stuck(Exception):
    """A process did not do what it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A process that answers every line with a line of JSON."""

    process: subprocess.Popen[str]

    def hear(self) -> Any:
        """The next thing it says. Raise Stuck."""
        assert self.process.stdout
        said = self.process.stdout.readline()
        if not said:
            raise Stuck(f"{self.process.args!r} ended with {self.process.wait()}")
        return json.loads(said)

    def ask(self, line: str) -> Any:
        """Raise Stuck."""
        assert self.process.stdin
        print(line, file=self.process.stdin, flush=True)
        return self.hear()


@contextmanager
def talk(module: str, *arguments: object) -> Iterator[Talk]:
    """A module of tests.bench as a process, which ends when its stdin does."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        yield Talk(process=process)
        process.stdin.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What is sent. parcels: by their places in the store; at: the time that every push tells."""

    port: int
    parcels: Sequence[int]
    at: float
    connections: int


def push(place: int, at: datetime) -> bytes:
    """A signed trace push about the parcel at this place of the store (carriers/zto.md)."""
    action, told = _WORDS[place % len(_WORDS)]
    event = {
        "billCode": fill.number(place),
        "actionTime": f"{at.astimezone(_CHINA):%Y-%m-%d %H:%M:%S}",
        "city": "郑州市",
        "action": action,
        "facilityCode": "37131",
        "facilityName": "郑州高新区",
        "desc": told,
    }
    data = compact(event)
    digest = md5_base64(data + APP_SECRET)
    body = urlencode({"msg_type": "Traces", "company_id": APP_KEY, "data_digest": digest, "data": data})
    head = f"POST /webhooks/zto HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nUser-Agent: Apache-HttpClient/4.5\r\n\r\n"
    return (head + kind + body).encode()


async def run(burst: Burst) -> tuple[float, float]:
    """When the first push was sent and the last one answered, by the machine's clock. Raise WrongAnswer or Stuck."""
    at = datetime.fromtimestamp(burst.at, UTC)
    every = [push(place, at) for place in burst.parcels]
    meter = Once(burst.port, every, len(every))
    told = await meter.run(burst.connections, PATIENCE)
    if meter.left:
        raise Stuck(f"{meter.left} pushes were not answered")
    return told


def main() -> None:
    os.sched_setaffinity(0, {int(sys.argv[1])})
    for line in sys.stdin:
        print(json.dumps(uvloop.run(run(Burst(**json.loads(line))))), flush=True)  # noqa: T201 - whoever started us


if __name__ == "__main__":
    main()
