"""`python -m gateway.sandbox --gateway http://127.0.0.1:8080 --port 8081 --smtp-port 8025 --key <api key>`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from gateway.sandbox.client import Gateway, GatewayError
from gateway.sandbox.journeys import Runner
from gateway.sandbox.page import Page
from gateway.sandbox.pushing import Receipts
from gateway.sandbox.run import State
from gateway.sandbox.script import journeys
from gateway.sandbox.server import serve
from gateway.sandbox.world import World

log = logging.getLogger("gateway.sandbox")

#: seconds to wait for the gateway before the journeys begin
START = 60.0
#: the gateway's rows whose providers send receipts
RECEIPT_ROWS = {"aliyun": "sms", "wechat": "oa"}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gateway.sandbox", description=__doc__)
    parser.add_argument("--gateway", default="http://127.0.0.1:8080", help="address of the gateway")
    parser.add_argument("--public", default="", help="address of the gateway for browsers, where it is another one")
    parser.add_argument("--port", type=int, default=8081, help="of the stand-ins and the page")
    parser.add_argument("--smtp-port", type=int, default=8025)
    parser.add_argument(
        "--key", default=os.environ.get("SANDBOX_GATEWAY_KEY", ""), help="API key (ops); or SANDBOX_GATEWAY_KEY"
    )
    parser.add_argument("--pace", type=float, default=0.7, help="seconds between two steps of a journey")
    parser.add_argument("--once", action="store_true", help="end when every journey has ended; exit 1 if one failed")
    return parser.parse_args(given)


async def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes, or with --once until the journeys have ended. The number of journeys that failed."""
    world = World(first_number=int(time.time()) % 10**9)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(Gateway(options.gateway, options.key))
        sandbox = serve(world, port=options.port, smtp_port=options.smtp_port)
        runner = Runner(sandbox, gateway, journeys(), pace=options.pace)
        sandbox.app.add_routes(Page(runner, options.public or options.gateway).routes())
        await stack.enter_async_context(sandbox)
        receipts = Receipts(sandbox, gateway, RECEIPT_ROWS)
        stack.push_async_callback(receipts.close)
        stack.push_async_callback(runner.close)
        log.info("sandbox at %s, mail at port %d", sandbox.url, sandbox.smtp_port)
        stopped = _stopped()
        await _ready(gateway, stopped)
        runner.start()
        if options.once:
            await runner.finish()
        else:
            await stopped.wait()
        return sum(one.state is State.FAILED for one in runner.runs)


def _stopped() -> asyncio.Event:
    """Set by SIGINT and SIGTERM."""
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    return stopped


async def _ready(gateway: Gateway, stopped: asyncio.Event) -> None:
    """Wait until the gateway can serve. Raise GatewayError when it cannot in time."""
    deadline = time.monotonic() + START
    while not stopped.is_set():
        try:
            await gateway.get("/readyz")
        except GatewayError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.3)
        else:
            return


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        return 1 if asyncio.run(run(arguments())) else 0
    except GatewayError as error:
        log.error("the gateway cannot be reached: %s", error)
        return 2
    except OSError as error:
        log.error("a port cannot be opened: %s", error)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
