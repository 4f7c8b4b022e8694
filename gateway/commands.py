"""gateway serve | demo | check | migrate | export | import | backup | key | replay | live: the command line.

What only one command needs is imported when it is given: `serve` has to be up soon.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import uvloop
from pydantic import ValidationError

from gateway.app import DRAIN_SECONDS, CannotStart, Gateway, Part
from gateway.config import ConfigError, load
from gateway.garbage import settle
from gateway.plugins import unheard
from gateway.processes import Family, parent_gone, reserve
from gateway.settings import Config, Environment
from gateway.store.away import StoreAway
from gateway.store.engine import CannotOpen, connect, normal_url
from gateway.store.migrate import upgrade
from gateway.tracking.pushes import StillWaiting, UnknownPush, replay
from gateway.tracking.replays import Replayed, replay_since
from gateway.web.auth import Role, new_key

_MOST_PROCESSES = 64
Command = Callable[[argparse.Namespace], Coroutine[Any, Any, int]]


class JsonLines(logging.Formatter):
    """One JSON object per line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "process": record.process,
            "logger": record.name,
        }
        line["message"] = record.getMessage()
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def environment() -> Environment:
    """GATEWAY_* of this process. Raise CannotStart naming the variable."""
    try:
        return Environment.read(os.environ)
    except ValidationError as error:
        problems = [f"GATEWAY_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()]
        raise CannotStart("\n".join(problems)) from error


def configuration(settings: Environment) -> Config:
    return load(settings.config, os.environ)


async def serve(arguments: argparse.Namespace) -> int:
    """Until SIGINT or SIGTERM; then drain and stop."""
    settings = environment()
    part = Part(arguments.role)
    one = part is Part.ALL and arguments.processes == 1 and not arguments.child
    if not one and normal_url(settings.database_url).drivername.startswith("sqlite"):
        raise CannotStart("GATEWAY_DATABASE_URL: SQLite is for one process with --role all; several need PostgreSQL")
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if arguments.processes > 1:
        return await family(settings, part, arguments.processes, stopping)
    gateway = Gateway(settings, configuration(settings), part=part, shares_port=arguments.child)
    try:
        await gateway.start()
        settle()
        if arguments.child:
            await asyncio.wait(
                [asyncio.create_task(end) for end in (parent_gone(), stopping.wait())],
                return_when=asyncio.FIRST_COMPLETED,
            )
        else:
            say(f"gateway: http://{settings.host}:{gateway.port} ({_what(part)})")
            await stopping.wait()
    finally:
        await gateway.stop()
    return 0


async def family(settings: Environment, part: Part, count: int, stopping: asyncio.Event) -> int:
    """So many processes on one port. Raise CannotStart."""
    configuration(settings)  # said once, not by each of them
    try:
        held = reserve(settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise CannotStart(f"GATEWAY_PORT: cannot listen on {where}: {error.strerror}") from error
    with held:
        port = held.getsockname()[1]
        say(f"gateway: http://{settings.host}:{port} ({_what(part)}; {count} processes)")
        command = (sys.executable, "-m", "gateway", "serve", "--role", part, "--child")
        environ = {**os.environ, "GATEWAY_PORT": str(port)}
        return await Family(command, environ, count, stopping, grace=DRAIN_SECONDS + 2).live()


def _what(part: Part) -> str:
    return "works; /healthz, /readyz, /metrics" if part is Part.WORKER else "API: /docs"


async def check(arguments: argparse.Namespace) -> int:
    """What is wrong with the configuration, without starting anything."""
    settings = environment()
    config = configuration(settings)
    on = [code for code, row in config.carriers.items() if row.enabled]
    say(f"{settings.config}: good. Carriers that are on: {', '.join(on) or 'none'}")
    for code in unheard(config.carriers):
        say(f"carriers.{code}.webhook_token: is not set, so pushes are refused and {code} is only asked")
    return 0


async def migrate(arguments: argparse.Namespace) -> int:
    store = connect(environment().database_url)
    try:
        await upgrade(store)
    finally:
        await store.close()
    say("the schema is the newest")
    return 0


async def moving(arguments: argparse.Namespace) -> int:
    """The commands that move what is stored, to or from a file."""
    from gateway.moving import read_import, write_backup, write_export

    works = {"export": write_export, "import": read_import, "backup": write_backup}
    return await works[arguments.command](environment(), arguments.file)


async def demo(arguments: argparse.Namespace) -> int:
    from gateway.demo import demo

    return await demo(arguments)


async def live(arguments: argparse.Namespace) -> int:
    from gateway.live import live

    return await live(arguments)


async def key(arguments: argparse.Namespace) -> int:
    """Make a key and show it once."""
    settings = environment()
    gateway = Gateway(settings, configuration(settings))
    try:
        await upgrade(gateway.store)
        async with gateway.store.write() as tx:
            _, made = await new_key(tx, Role.named(arguments.role), arguments.label, gateway.rt.clock())
    finally:
        await gateway.stop()
    say(made)
    return 0


async def reread(arguments: argparse.Namespace) -> int:
    """Read pushes of the inbox again; nobody is told and nothing is paid twice. 1 when one still cannot be read."""
    settings = environment()
    gateway = Gateway(settings, configuration(settings))
    try:
        await upgrade(gateway.store)
        done = await _reread(gateway, arguments)
    finally:
        await gateway.stop()
    say(f"read again: {done.read}")
    if done.unreadable:
        say(f"still unreadable: {', '.join(map(str, done.unreadable))}")
    return 1 if done.unreadable else 0


async def _reread(gateway: Gateway, arguments: argparse.Namespace) -> Replayed:
    if arguments.carrier and arguments.carrier not in gateway.rt.carriers:
        raise CannotStart(f"--carrier: there is no carrier {arguments.carrier} that is on")
    if arguments.carrier:
        return await replay_since(gateway.rt, arguments.carrier, arguments.since)
    done = Replayed()
    for inbox_id in arguments.id:
        try:
            why = await replay(gateway.rt, inbox_id)
        except UnknownPush as error:
            raise CannotStart(f"{inbox_id}: the inbox has no such push") from error
        except StillWaiting as error:
            raise CannotStart(f"{inbox_id}: waits to be read for the first time") from error
        done.read += 1
        done.unreadable += [inbox_id] if why else []
    return done


def moment(text: str) -> datetime:
    """A time with an offset, for --since. Raise ArgumentTypeError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time like 2026-11-20T09:00:00+08:00") from error
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no offset: write 2026-11-20T09:00:00+08:00")
    return at


async def not_built(arguments: argparse.Namespace) -> int:
    print(f"gateway {arguments.command}: not built yet; nothing was done", file=sys.stderr)  # noqa: T201
    return 2


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command line speaks to people


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="gateway", description="Between parcel carriers and a shop.")
    commands = top.add_subparsers(dest="command", required=True)

    def command(name: str, work: Command, text: str) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=text, description=text)
        found.set_defaults(work=work)
        return found

    start = command("serve", serve, "start the gateway (settings: GATEWAY_*, see docs/configuration.md)")
    start.add_argument("--role", choices=list(Part), default=Part.ALL, help="web answers, worker does what is due")
    start.add_argument(
        "--processes", type=_count, default=1, help="so many that share the port; a dead one is replaced"
    )
    start.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    show = command("demo", demo, "start the gateway with a sandbox of carriers and providers on loopback")
    show.add_argument("--port", type=int, default=8080, help="of the page to open; the gateway takes the next one")
    command("check", check, "check the configuration without starting")
    command("migrate", migrate, "bring the database to the newest schema")
    for name, text in (
        ("export", "write every table to a file, also while the gateway serves (docs/operations.md)"),
        ("import", "fill an empty database of either kind from a file of export"),
        ("backup", "copy the SQLite file, also while the gateway serves"),
    ):
        command(name, moving, text).add_argument("file", type=Path)
    make = command("key", key, "make an API key; it is shown once")
    make.add_argument("role", choices=[role.name.lower() for role in Role])
    make.add_argument("--label", default="command line")
    again = command("replay", reread, "read pushes of the inbox again: by id, or all of a carrier since a moment")
    again.add_argument("id", type=int, nargs="*", help="ids of GET /v1/inbox")
    again.add_argument("--carrier", help="every push of this carrier, with --since")
    again.add_argument("--since", type=moment, help="a time with an offset")
    ask = command("live", live, "ask a carrier about one number, with real credentials from the environment")
    ask.add_argument("carrier", help="its code in carriers.yaml, on or off")
    ask.add_argument("--number", required=True)
    ask.add_argument("--phone", help="E.164, for carriers that want its last four digits")
    command("backtest", not_built, "not built yet")
    return top


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"1 to {_MOST_PROCESSES}")
    return number


def main() -> int:
    top = parser()
    arguments = top.parse_args()
    if arguments.command == "replay" and bool(arguments.id) == bool(arguments.carrier and arguments.since):
        top.error("replay takes ids, or --carrier and --since")
    handler = logging.StreamHandler()
    as_json = os.environ.get("GATEWAY_LOG_FORMAT") == "json"
    handler.setFormatter(
        JsonLines() if as_json else logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for quiet in ("httpx", "alembic"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    # It warns of each tick that comes while the pass before is under way, which is how a busy gateway works.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    try:
        code: int = uvloop.run(arguments.work(arguments))
        return code
    except (CannotStart, ConfigError) as error:
        print(str(error), file=sys.stderr)  # noqa: T201 - file, line and reason, not a trace
        return 2
    except (CannotOpen, StoreAway) as error:
        print(f"GATEWAY_DATABASE_URL: {error}", file=sys.stderr)  # noqa: T201
        return 2
