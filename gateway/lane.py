"""The shared fast lane: one Redis, through which processes tell each other what changed and count together.

It is only ever an optimisation. Every use has a deadline, and after one that failed the lane is closed: whoever uses it
does without, at no cost, until a task in the background has opened it again. It is open only while this process hears
its own words come back: that proves that it hears the others' as well.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from secrets import token_hex
from types import TracebackType
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

#: Seconds for one command, and for a word of ours to come back.
_DEADLINE, _ECHO = 0.5, 1.0
#: Seconds between two words when there is nothing to say.
_BEAT = 0.5
#: Seconds until the lane is tried again: the first time, and at most.
_SOON, _LATE = 0.1, 1.0
#: A lane that was open for so many seconds was no accident.
_STEADY = 10.0
#: Commands under way at once, each on a connection of its own.
_AT_ONCE = 16
#: RuntimeError: what uvloop says when a line is written to that has just been closed.
_FAILURES = (RedisError, OSError, TimeoutError, RuntimeError)


class LaneClosed(Exception):
    """Redis is lost or slow: do without."""


class Lane:
    """`async with Lane(url, secret) as lane`. Words are topics with arguments (JSON values); the topic `all` means that
    words were lost, so that whatever depends on them is old.

    secret: the gateway's own, by which processes that share a store find each other and no others.
    """

    def __init__(self, url: str, secret: bytes) -> None:
        """Raise ValueError naming GATEWAY_REDIS_URL. Whether anybody is there is found out later."""
        try:
            self._redis = Redis.from_url(
                url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=_DEADLINE, socket_timeout=None, protocol=2
            )
        except ValueError as error:
            raise ValueError(f"GATEWAY_REDIS_URL: {error}") from error
        self.open = False
        self._name = f"{{gateway:{hashlib.sha256(b'lane:' + secret).hexdigest()[:12]}}}"
        self._me = token_hex(6)
        self._words: dict[str, dict[tuple[Any, ...], None]] = defaultdict(dict)
        self._something = asyncio.Event()
        self._settled = asyncio.Event()
        self._said, self._echo = 0, asyncio.Event()
        self._broken: asyncio.Future[None] | None = None
        self._missed = self._complained = False
        self._heard: dict[str, list[Callable[..., None]]] = defaultdict(list)
        self._turned: list[Callable[[bool], None]] = []
        self._scripts: dict[str, Any] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> Lane:
        """Until it is open, or known not to be: whoever counts from the first moment on counts with the others."""
        self._task = asyncio.create_task(self._run(), name="lane")
        with suppress(TimeoutError):
            async with asyncio.timeout(_ECHO):
                await self._settled.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        with suppress(*_FAILURES):
            async with asyncio.timeout(_DEADLINE):
                if self.open and self._words:
                    await self._publish()
                await self._redis.aclose()
        self.open = False

    def on(self, topic: str, deed: Callable[..., None]) -> None:
        """deed(*arguments) for every word that another process says about the topic."""
        self._heard[topic].append(deed)

    def on_turn(self, deed: Callable[[bool], None]) -> None:
        """deed(True) when the lane opens, deed(False) when it closes. In between words may have been missed."""
        self._turned.append(deed)

    def tell(self, topic: str, *arguments: Any) -> None:
        """Say it to the other processes soon; what is said twice meanwhile is said once. Never waits."""
        if self.open:
            self._words[topic][arguments] = None
            self._something.set()
        else:
            self._missed = True

    def key(self, name: str) -> str:
        """The name of something of ours in Redis."""
        return f"{self._name}:{name}"

    async def run(self, script: str, names: Sequence[str], arguments: Sequence[Any] = ()) -> Any:
        """The answer of a Lua script on keys of these names. Raise LaneClosed."""
        if not self.open:
            raise LaneClosed
        prepared = self._scripts.get(script)
        if prepared is None:
            prepared = self._scripts[script] = self._redis.register_script(script)
        try:
            async with asyncio.timeout(_DEADLINE), self._gate:
                return await prepared(keys=[self.key(name) for name in names], args=list(arguments))
        except _FAILURES as error:
            self._break(error)
            raise LaneClosed from error

    async def _run(self) -> None:
        loop, wait = asyncio.get_running_loop(), _SOON
        while True:
            started = loop.time()
            try:
                await self._session()
            except _FAILURES as error:
                self._close(error)
            except Exception as error:
                log.exception("the lane failed")
                self._close(error)
            steady = loop.time() - started > _STEADY
            wait = _SOON if steady else min(wait * 2, _LATE)
            await asyncio.sleep(wait)

    async def _session(self) -> None:
        """Speak and hear until something fails. Raise what failed."""
        self._broken = asyncio.get_running_loop().create_future()
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            async with asyncio.timeout(_ECHO):
                await subscription.subscribe(self._name)
                # One that may not be written to would fail the first who counts.
                await self._redis.set(self.key("met"), self._me)
            parts = [
                asyncio.ensure_future(self._speak()),
                asyncio.ensure_future(self._hear(subscription)),
                self._broken,
            ]
            try:
                done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
                for part in done:
                    part.result()
            finally:
                for part in parts:
                    part.cancel()
                await asyncio.gather(*parts, return_exceptions=True)

    async def _speak(self) -> None:
        await self._say()
        self._opened()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT):
                    await self._something.wait()
            await self._say()

    async def _say(self) -> None:
        """What there is to say, or nothing, and hear it come back. Raise TimeoutError."""
        self._something.clear()
        self._echo.clear()
        async with asyncio.timeout(_ECHO):
            await self._publish()
            await self._echo.wait()

    async def _publish(self) -> None:
        words, self._words = self._words, defaultdict(dict)
        self._said += 1
        message = {"by": self._me, "n": self._said, "words": {topic: list(said) for topic, said in words.items()}}
        try:
            await self._redis.publish(self._name, json.dumps(message))
        except BaseException:
            self._missed = self._missed or bool(words)
            raise

    async def _hear(self, subscription: PubSub) -> None:
        async for message in subscription.listen():
            try:
                said = json.loads(message["data"])
                by, number, words = said["by"], said["n"], said["words"].items()
            except (ValueError, TypeError, LookupError, AttributeError) as error:
                log.warning("a word that nobody understands: %r", error)
                continue
            if by != self._me:
                self._take(words)
            elif number == self._said:
                self._echo.set()

    def _take(self, words: Any) -> None:
        for topic, said in words:
            for deed in self._heard.get(topic, ()):  # another version may have words of its own
                for arguments in said:
                    deed(*arguments)

    def _opened(self) -> None:
        self.open = True
        self._settled.set()
        if self._complained:
            log.warning("Redis is back")
        self._complained = False
        for deed in self._turned:
            deed(True)
        if self._missed:
            self.tell("all")
        self._missed = False

    def _close(self, error: BaseException) -> None:
        was_open, self.open = self.open, False
        self._settled.set()
        self._missed = self._missed or bool(self._words)
        self._words.clear()
        if not self._complained:
            log.warning("Redis is lost or slow, going on without it: %s", str(error) or type(error).__name__)
        self._complained = True
        if was_open:
            for deed in self._turned:
                deed(False)

    def _break(self, error: BaseException) -> None:
        """A command failed: the lane is closed at once, and opened anew."""
        self._close(error)
        if self._broken is not None and not self._broken.done():
            self._broken.set_exception(error)
