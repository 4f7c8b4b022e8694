"""All stand-ins behind one loopback port, each below its own prefix, and the SMTP port beside it."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from aiohttp import web

from gateway.sandbox.carriers.easypost import EasyPost
from gateway.sandbox.carriers.kuaidi100 import Kuaidi100
from gateway.sandbox.carriers.sf import SF
from gateway.sandbox.carriers.ups import UPS
from gateway.sandbox.carriers.zto import ZTO
from gateway.sandbox.providers.aliyun import Aliyun
from gateway.sandbox.providers.mail import Mail
from gateway.sandbox.providers.wechat import WeChat
from gateway.sandbox.providers.wecom import WeCom
from gateway.sandbox.world import World

HOST = "127.0.0.1"


class StandIn(Protocol):
    """One provider's HTTP side. accepted: whether an answer to its push means yes."""

    code: str

    def routes(self) -> list[web.RouteDef]: ...

    @staticmethod
    def accepted(status: int, body: bytes) -> bool: ...


class Sandbox:
    """The stand-ins of one world. `url` and `smtp_port` are known after `start`."""

    def __init__(self, world: World, *, port: int = 0, smtp_port: int = 0) -> None:
        self.world = world
        self.sf, self.zto, self.kuaidi100 = SF(world), ZTO(world), Kuaidi100(world)
        self.ups, self.easypost = UPS(world), EasyPost(world)
        self.aliyun, self.wechat, self.wecom = Aliyun(world), WeChat(world), WeCom(world)
        self.mail = Mail(world)
        self.app = web.Application(client_max_size=16 << 20)
        for stand_in in self.stand_ins.values():
            self.app.add_routes(stand_in.routes())
        self._wanted, self._wanted_smtp = port, smtp_port
        self._runner: web.AppRunner | None = None
        self.port = self.smtp_port = 0

    @property
    def stand_ins(self) -> dict[str, StandIn]:
        """By provider code, as in the call log."""
        parts: tuple[StandIn, ...] = (
            *(self.sf, self.zto, self.kuaidi100, self.ups, self.easypost),
            *(self.aliyun, self.wechat, self.wecom, self.mail),
        )
        return {part.code: part for part in parts}

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self) -> Sandbox:
        """Open both ports. Raise OSError when one is taken."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._wanted)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.smtp_port = await self.mail.start(HOST, self._wanted_smtp)
        return self

    async def close(self) -> None:
        self.world.closed.set()
        await self.mail.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Sandbox:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def serve(world: World, *, port: int = 0, smtp_port: int = 0) -> Sandbox:
    """`async with serve(World()) as sandbox:` for tests, `await serve(world, port=8081).start()` for a process."""
    return Sandbox(world, port=port, smtp_port=smtp_port)
