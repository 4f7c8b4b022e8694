"""The versioned documents in force: routes, stalls, playbooks, compensation, messages."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import yaml
from pydantic import BaseModel

from gateway.rules.policy import Compensation, MessagePolicy, Playbooks, Retention, Routes, Stalls
from gateway.rules.policy.pace import PollPace
from gateway.store import audit, configs
from gateway.store.engine import Tx

MODELS: Mapping[str, type[BaseModel]] = {
    "routes": Routes,
    "stalls": Stalls,
    "playbooks": Playbooks,
    "compensation": Compensation,
    "messages": MessagePolicy,
}


class StaleVersion(Exception):
    """Somebody else wrote since `If-Match` was read. current: the version in force."""

    def __init__(self, name: str, current: int) -> None:
        super().__init__(f"{name} is at version {current}")
        self.current = current


class Policies:
    """Read through the attributes; `put` writes a new version, which is in force here when the transaction commits.

    tell: called then, for the other processes.
    """

    routes: Routes
    stalls: Stalls
    playbooks: Playbooks
    compensation: Compensation
    messages: MessagePolicy

    def __init__(self, seed: Mapping[str, BaseModel], pace: PollPace, retention: Retention | None = None) -> None:
        """seed: the documents of the configuration folder, version 1 of a new store. pace, retention: files that stay
        files."""
        self.pace = pace
        self.retention = retention or Retention()
        self.tell: Callable[[], None] = lambda: None
        self.versions: dict[str, int] = {}
        self._seed = seed
        for name, document in seed.items():
            self._take(name, 0, document)

    def _take(self, name: str, version: int, document: BaseModel) -> None:
        """Versions only go up: what was read before a `put` does not replace what it wrote."""
        if version >= self.versions.get(name, 0):
            setattr(self, name, document)
            self.versions[name] = version

    async def load(self, tx: Tx, now: datetime) -> None:
        """Take the newest versions from the store; a store that has none gets the seed, as version 1."""
        for name in MODELS:
            if await configs.newest(tx, name) is None:
                await configs.add(tx, name, 1, author="config", at=now, document=dump(self._seed[name]), diff="")
        await self.refresh(tx)

    async def refresh(self, tx: Tx) -> None:
        """Take what other processes wrote."""
        for name, model in MODELS.items():
            row = await configs.newest(tx, name)
            if row is not None and row.version > self.versions[name]:
                self._take(name, row.version, model.model_validate(row.document))

    async def put(self, tx: Tx, name: str, document: BaseModel, *, expected: int, who: str, now: datetime) -> int:
        """Write version expected + 1 and audit it. Raise StaleVersion when another one is in force."""
        row = await configs.newest(tx, name)
        current = row.version if row else 0
        if current != expected:
            raise StaleVersion(name, current)
        after = dump(document)
        diff = _diff(row.document if row else {}, after)
        version = current + 1
        if not await configs.add(tx, name, version, author=who, at=now, document=after, diff=diff):
            raise StaleVersion(name, version)
        await audit.add(tx, now, who, "policy.write", name, {"version": version, "diff": diff})
        tx.after_commit(lambda: self._take(name, version, document))
        tx.after_commit(lambda: self.tell())
        return version


def dump(document: BaseModel) -> dict[str, Any]:
    """A document as JSON values, as operators wrote it: defaults stay out."""
    dumped: dict[str, Any] = document.model_dump(mode="json", exclude_unset=True)
    return dumped


def _diff(before: Any, after: Any) -> str:
    old, new = (yaml.safe_dump(one, allow_unicode=True, sort_keys=True).splitlines() for one in (before, after))
    return "\n".join(difflib.unified_diff(old, new, "before", "after", lineterm=""))
