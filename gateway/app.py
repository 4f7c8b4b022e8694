"""The one file that knows everyone: puts the floors together, starts them, and takes them apart in the other order."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from aiohttp import web

from gateway import cases, messages, remedies, stalls
from gateway.clock_set_back import ClockSetBack
from gateway.http import Outside
from gateway.jobs import Chore, Clock, Loop
from gateway.joining import join
from gateway.lane import Lane
from gateway.limits import LocalLimits
from gateway.plugins import build_carriers, build_notifiers, unheard
from gateway.policies import MODELS, Policies
from gateway.remedies.deliver import deliver_due
from gateway.remedies.withdraw import expire
from gateway.render import Renderer
from gateway.retention import Retention
from gateway.runtime import Runtime
from gateway.seal import Seal
from gateway.settings import Config, Environment
from gateway.shared_limits import SharedLimits
from gateway.shared_tokens import StoredTokens
from gateway.stalls.incidents import check_carriers
from gateway.stalls.lanes import learn_lanes
from gateway.stalls.sweep import sweep
from gateway.steady import Steady
from gateway.store import census, keys
from gateway.store.away import StoreAway
from gateway.store.engine import Store, connect
from gateway.store.migrate import alone, upgrade
from gateway.tracking.inbox import Inbox
from gateway.tracking.poll import Polling
from gateway.tracking.pushes import ABREAST, read_inbox
from gateway.web.app import DOORS, RUNNING, application
from gateway.web.auth import Keyring, Role, digest, new_key
from gateway.web.doorstep import shorten
from gateway.web.endpoint import Desk
from gateway.web.metrics import Metrics
from gateway.words import load as load_words

log = logging.getLogger(__name__)


#: Seconds that one of several processes waits at its start for a store that cannot be reached, and for a graceful stop.
STORE_SECONDS = 30.0
DRAIN_SECONDS = 15.0


class CannotStart(Exception):
    """A setting is missing or wrong. Says which."""


class Part(StrEnum):
    """What a process does."""

    ALL = "all"
    WEB = "web"  #: answers over HTTP, and leaves what is to be done to others
    WORKER = "worker"  #: does it; over HTTP it says only how it is


class Gateway:
    """A gateway put together. `start` opens its doors, `stop` closes them."""

    def __init__(
        self,
        environment: Environment,
        config: Config,
        *,
        part: Part = Part.ALL,
        shares_port: bool = False,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """shares_port: other processes listen on it too. Raise CannotStart."""
        self.environment = environment
        self.config = config
        self.part = part
        self.outside = Outside()
        self.store = connect(environment.database_url)
        self.metrics = Metrics()
        self.rt = self._runtime(clock or Steady())
        self._set_back = ClockSetBack(self.rt)
        self.inbox = Inbox(self.rt)
        self.polling = Polling(self.rt)
        self.retention = Retention(self.rt)
        self.desk = Desk(keyring=Keyring(self.store), metrics=self.metrics, inbox=self.inbox)
        join(self.rt, forget_keys=self.desk.keyring.forget)
        self.ticks = Clock(self.rt, self._loops(), self._chores(), told=self._ticked)
        self._open = AsyncExitStack()
        self._runner: web.AppRunner | None = None
        self._shares_port = shares_port
        self.port = environment.port

    def _runtime(self, clock: Callable[[], datetime]) -> Runtime:
        config, environment = self.config, self.environment
        seed = {name: getattr(config, name) for name in MODELS}
        secret = _secret(environment, self.store)
        lane = _lane(environment, secret)
        seal = Seal(secret, "tokens")
        return Runtime(
            store=self.store,
            carriers=build_carriers(
                config.carriers,
                lambda kind, settings: self.outside.client(settings.base_url),
                lambda account: StoredTokens(self.store, seal, account, clock),
            ),
            notifiers=build_notifiers(
                config.notifiers,
                config.channels,
                lambda kind, settings: self.outside.client(getattr(settings, "base_url", "")),
            ),
            policies=Policies(seed, config.polling, config.retention),
            secret=secret,
            public_url=environment.public_url or f"http://{environment.host}:{environment.port}",
            clock=clock,
            started_at=clock(),
            lane=lane,
            limits=LocalLimits() if lane is None and self.store.dialect == "sqlite" else SharedLimits(lane),
            lease=timedelta(seconds=environment.lease_seconds),
            words=load_words(config.folder / "words"),
            renderer=Renderer(config.folder / "messages"),
            follow=(stalls.follow, cases.follow, messages.follow, remedies.follow, self.metrics.follow),
        )

    def _complain(self) -> None:
        for code in unheard(self.config.carriers):
            log.warning("carriers.%s.webhook_token: is not set, so pushes are refused and %s is only asked", code, code)

    def _loops(self) -> list[Loop]:
        rt = self.rt
        own = Loop(signal="policies", work=self._keep_up, seconds=5)
        if self.part is Part.WEB:
            return [own]
        return [
            own,
            Loop(
                signal="inbox", work=lambda: read_inbox(rt, 200, more=9, abreast=ABREAST[rt.store.dialect]), seconds=1
            ),
            Loop(signal="outbox", work=lambda: deliver_due(rt, 16), seconds=1),
            Loop(signal="watches", work=lambda: sweep(rt, 200), seconds=1),
            Loop(signal="polls", work=self.polling.tick, seconds=1),
        ]

    def _chores(self) -> list[Chore]:
        rt = self.rt
        if self.part is Part.WEB:
            return []
        return [
            Chore(name="carriers", work=lambda: check_carriers(rt), seconds=2),
            Chore(name="lanes", work=lambda: learn_lanes(rt), seconds=3600),
            Chore(name="expire", work=lambda: expire(rt), seconds=3600),
            Chore(name="clean", work=self._forget, seconds=60),
        ]

    async def _forget(self) -> None:
        for what, rows in (await self.retention.tick()).items():
            self.metrics.count("gateway_forgotten", rows, what=what)

    def _ticked(self, name: str) -> None:
        self.metrics.count("gateway_ticks", tick=name)

    async def _keep_up(self) -> int:
        """What others changed, and how many they are; in every process."""
        await self._set_back.put_right()
        async with self.store.read() as tx:
            await self.rt.policies.refresh(tx)
            number = await census.processes(tx)
        if isinstance(self.rt.limits, SharedLimits):
            self.rt.limits.processes = number
        return 0

    async def start(self, *, workers: bool = True) -> None:
        """Migrate, read the documents in force, make the first key, open the port. Raise CannotStart."""
        self._complain()
        await self._reach_store()
        if self.rt.lane is not None:
            await self._open.enter_async_context(self.rt.lane)
        if self.part is not Part.WORKER:
            await self._open.enter_async_context(self.inbox)
        if workers:
            self.ticks.start()
        doors = RUNNING if self.part is Part.WORKER else DOORS
        self._runner = web.AppRunner(application(self.rt, self.desk, doors), access_log=None, shutdown_timeout=5)
        await self._runner.setup()
        if self._runner.server is not None and self.part is not Part.WORKER:
            shorten(self._runner.server, self.rt, self.desk)
        host, port = self.environment.host, self.environment.port
        try:
            await web.TCPSite(self._runner, host, port, reuse_port=self._shares_port or None).start()
        except OSError as error:
            raise CannotStart(f"GATEWAY_PORT: cannot listen on {host}:{port}: {error.strerror}") from error
        self.port = self._runner.addresses[0][1]

    async def _reach_store(self) -> None:
        """A store that is being restarted is waited for; one that does not let us in is not."""
        if self.store.file is not None:
            try:
                self._open.enter_context(census.hold(self.store.file))
            except census.Held as error:
                raise CannotStart(f"GATEWAY_DATABASE_URL: another gateway serves {error}; SQLite is for one") from error
        deadline = asyncio.get_running_loop().time() + (STORE_SECONDS if self._shares_port else 0)
        while True:
            try:
                return await self._first_steps()
            except StoreAway as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise CannotStart(f"GATEWAY_DATABASE_URL: the database does not answer: {error}") from error

    async def _first_steps(self) -> None:
        await upgrade(self.store)
        async with self.store.write() as tx:
            await alone(tx)
            await self.rt.policies.load(tx, self.rt.clock())
        await self._first_key()
        await self._keep_up()

    async def stop(self, seconds: float = DRAIN_SECONDS) -> None:
        """Take no more, finish what is under way, let go of the store. What takes longer is cut off: deeds and polls
        are taken over when their lease ends."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        doors = [self._runner.cleanup()] if self._runner is not None else []
        await _in_time("requests and deeds", asyncio.gather(self.ticks.stop(seconds - 4), *doors), seconds - 3)
        await self.polling.close(max(0.5, deadline - loop.time() - 2.5))
        await _in_time("connections", self._let_go(), max(1.0, deadline - loop.time()))

    async def _let_go(self) -> None:
        await self._open.aclose()
        await self.outside.close()
        await self.store.close()

    async def _first_key(self) -> None:
        given = self.environment.admin_key
        now = self.rt.clock()
        async with self.store.write() as tx:
            await alone(tx)
            if given is not None:
                key = given.get_secret_value()
                if not await keys.known(tx, digest(key)):
                    await new_key(tx, Role.ADMIN, "GATEWAY_ADMIN_KEY", now, key)
            elif not await keys.any_admin(tx):
                _, key = await new_key(tx, Role.ADMIN, "first key", now)
                print(f"The first key (admin), shown only now: {key}", flush=True)  # noqa: T201 - what it is for


def known_secret(environment: Environment, store: Store) -> bytes | None:
    """GATEWAY_SECRET_KEY; with SQLite what is kept beside the database, None when that is not there yet.

    Raise CannotStart.
    """
    if environment.secret_key is not None:
        return environment.secret_key.get_secret_value().encode()
    file = _secret_file(store)
    return file.read_text().strip().encode() if file.exists() else None


def _secret(environment: Environment, store: Store) -> bytes:
    """What is known; with SQLite one is made and kept beside the database. Raise CannotStart."""
    known = known_secret(environment, store)
    if known is not None:
        return known
    file, made = _secret_file(store), secrets.token_hex(32)
    file.touch(mode=0o600)
    file.write_text(made)
    return made.encode()


def _secret_file(store: Store) -> Path:
    if store.folder is None:
        raise CannotStart("GATEWAY_SECRET_KEY: is needed with PostgreSQL, the same for every process")
    return store.folder / "secret.key"


def _lane(environment: Environment, secret: bytes) -> Lane | None:
    if environment.redis_url is None:
        return None
    try:
        return Lane(environment.redis_url, secret)
    except ValueError as error:
        raise CannotStart(str(error)) from error


async def _in_time(what: str, work: Awaitable[object], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        log.warning("stopping: %s took longer than %.0f s and were cut off", what, seconds)
