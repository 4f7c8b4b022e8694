"""The one file that knows everyone: puts the floors together, starts them, and takes them apart in the other order."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

from aiohttp import web

from gateway import cases, messages, remedies, stalls
from gateway.http import Outside
from gateway.jobs import Chore, Clock, Loop
from gateway.plugins import build_carriers, build_notifiers
from gateway.policies import MODELS, Policies
from gateway.remedies.deliver import deliver_due
from gateway.remedies.withdraw import expire
from gateway.render import Renderer
from gateway.runtime import Runtime
from gateway.settings import Config, Environment
from gateway.stalls.incidents import check_carriers
from gateway.stalls.lanes import learn_lanes
from gateway.stalls.sweep import sweep
from gateway.store import keys
from gateway.store.engine import Store, connect
from gateway.store.migrate import upgrade
from gateway.tracking.clean import clean
from gateway.tracking.inbox import Inbox
from gateway.tracking.poll import Polling
from gateway.tracking.pushes import read_inbox
from gateway.web.app import application
from gateway.web.auth import Keyring, Role, digest, new_key
from gateway.web.endpoint import Desk
from gateway.web.metrics import Metrics
from gateway.words import load as load_words

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """A setting is missing or wrong. Says which."""


class Gateway:
    """A gateway put together. `start` opens its doors, `stop` closes them."""

    def __init__(
        self, environment: Environment, config: Config, *, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.environment = environment
        self.config = config
        self.outside = Outside()
        self.store = connect(environment.database_url)
        self.metrics = Metrics()
        self.rt = self._runtime(clock or (lambda: datetime.now(UTC)))
        self.inbox = Inbox(self.rt)
        self.polling = Polling(self.rt)
        self.desk = Desk(keyring=Keyring(self.store), metrics=self.metrics, inbox=self.inbox)
        self.ticks = Clock(self.rt, self._loops(), self._chores())
        self._open = AsyncExitStack()
        self._runner: web.AppRunner | None = None
        self.port = environment.port

    def _runtime(self, clock: Callable[[], datetime]) -> Runtime:
        config, environment = self.config, self.environment
        seed = {name: getattr(config, name) for name in MODELS}
        return Runtime(
            store=self.store,
            carriers=build_carriers(config.carriers, lambda kind, settings: self.outside.client(settings.base_url)),
            notifiers=build_notifiers(
                config.notifiers,
                config.channels,
                lambda kind, settings: self.outside.client(getattr(settings, "base_url", "")),
            ),
            policies=Policies(seed, config.polling),
            secret=_secret(environment, self.store),
            public_url=environment.public_url or f"http://{environment.host}:{environment.port}",
            clock=clock,
            lease=timedelta(seconds=environment.lease_seconds),
            words=load_words(config.folder / "words"),
            renderer=Renderer(config.folder / "messages"),
            follow=(stalls.follow, cases.follow, messages.follow, remedies.follow, self.metrics.follow),
        )

    def _loops(self) -> list[Loop]:
        rt = self.rt
        return [
            Loop(signal="inbox", work=lambda: read_inbox(rt, 200), seconds=1),
            Loop(signal="outbox", work=lambda: deliver_due(rt, 16), seconds=1),
            Loop(signal="watches", work=lambda: sweep(rt, 200), seconds=1),
            Loop(signal="polls", work=self.polling.tick, seconds=1),
        ]

    def _chores(self) -> list[Chore]:
        rt = self.rt
        return [
            Chore(name="carriers", work=lambda: check_carriers(rt), seconds=2),
            Chore(name="policies", work=self._read_policies, seconds=5),
            Chore(name="lanes", work=lambda: learn_lanes(rt), seconds=3600),
            Chore(name="expire", work=lambda: expire(rt), seconds=3600),
            Chore(name="clean", work=lambda: clean(rt), seconds=3600),
        ]

    async def _read_policies(self) -> None:
        async with self.store.write() as tx:
            await self.rt.policies.load(tx, self.rt.clock())

    async def start(self, *, workers: bool = True) -> None:
        """Migrate, read the documents in force, make the first key, open the port. Raise CannotStart."""
        await upgrade(self.store)
        await self._read_policies()
        await self._first_key()
        await self._open.enter_async_context(self.inbox)
        if workers:
            self.ticks.start()
        self._runner = web.AppRunner(application(self.rt, self.desk), access_log=None, shutdown_timeout=5)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, self.environment.host, self.environment.port)
            await site.start()
        except OSError as error:
            where = f"{self.environment.host}:{self.environment.port}"
            raise CannotStart(f"GATEWAY_PORT: cannot listen on {where}: {error.strerror}") from error
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Take no more, finish what is under way, let go of the store."""
        if self._runner is not None:
            await self._runner.cleanup()
        await self.ticks.stop()
        await self.polling.close()
        await self._open.aclose()
        await self.outside.close()
        await self.store.close()

    async def _first_key(self) -> None:
        given = self.environment.admin_key
        now = self.rt.clock()
        async with self.store.write() as tx:
            if given is not None:
                key = given.get_secret_value()
                if await keys.by_hash(tx, digest(key)) is None:
                    await new_key(tx, Role.ADMIN, "GATEWAY_ADMIN_KEY", now, key)
            elif not await keys.any_admin(tx):
                _, key = await new_key(tx, Role.ADMIN, "first key", now)
                print(f"The first key (admin), shown only now: {key}", flush=True)  # noqa: T201 - what it is for


def _secret(environment: Environment, store: Store) -> bytes:
    """GATEWAY_SECRET_KEY; with SQLite one is made and kept beside the database. Raise CannotStart."""
    if environment.secret_key is not None:
        return environment.secret_key.get_secret_value().encode()
    path = store.folder
    if path is None:
        raise CannotStart("GATEWAY_SECRET_KEY: is needed with PostgreSQL, the same for every process")
    file = path / "secret.key"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32))
    return file.read_text().strip().encode()
