"""Who is calling: hashed keys with one role each (design/api.md)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from gateway.store import keys
from gateway.store.engine import Store, Tx
from gateway.store.ids import new_id
from gateway.web.problem import Problem


class Role(IntEnum):
    """Each may do what those before it may."""

    STOREFRONT = 1
    MERCHANT = 2
    OPS = 3
    ADMIN = 4

    @classmethod
    def named(cls, name: str) -> Role:
        return cls[name.upper()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The key a request came with. label: what the audit shows."""

    id: str
    role: Role
    label: str


def digest(key: str) -> str:
    """What is stored of a key. The keys are long and random, so a fast hash is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


async def new_key(tx: Tx, role: Role, label: str, now: datetime, key: str | None = None) -> tuple[str, str]:
    """Make a key: (id, the key itself, shown once)."""
    key_id, key = new_id("key"), key or f"gw_{secrets.token_urlsafe(30)}"
    await keys.add(tx, key_id, digest(key), role=role.name.lower(), label=label, now=now)
    return key_id, key


@dataclass(slots=True)
class _Known:
    """A caller, good until a time; from `ask_at` on somebody looks whether it still is."""

    caller: Caller
    ask_at: float
    until: float


class Keyring:
    """Looks keys up, and remembers live ones for a while: a revoked key is refused here at once, elsewhere within
    `seconds`. Before the time is up one of the callers asks again, so that the others never wait for the store."""

    def __init__(self, store: Store, *, seconds: float = 5) -> None:
        self._store = store
        self._seconds = seconds
        self._known: dict[str, _Known] = {}
        self._revoked = 0

    def known(self, authorization: str | None, now: float) -> Caller | None:
        """The caller of an Authorization header, when nobody has to be asked."""
        found = self._known.get(authorization[7:]) if authorization and authorization.startswith("Bearer ") else None
        return found.caller if found is not None and now < found.ask_at else None

    async def caller(self, authorization: str | None, now: float) -> Caller | None:
        """The caller of an Authorization header; None when there is none. Raise 401 for one that is no good."""
        if not authorization:
            return None
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise _unauthorized("Authorization: Bearer <key> is needed")
        found = self._known.get(key)
        if found is None or found.until <= now:
            return await self._look_up(key, now)
        if found.ask_at <= now:
            found.ask_at = found.until
            return await self._look_up(key, now)
        return found.caller

    async def _look_up(self, key: str, now: float) -> Caller:
        revoked = self._revoked
        async with self._store.read() as tx:
            row = await keys.by_hash(tx, digest(key))
        if row is None:
            self._known.pop(key, None)
            raise _unauthorized("this key is not known")
        caller = Caller(id=row.id, role=Role.named(row.role), label=row.label or row.id)
        if revoked == self._revoked:  # else what was read may be from before
            self._remember(key, _Known(caller, now + self._seconds * 0.8, now + self._seconds))
        return caller

    def _remember(self, key: str, known: _Known) -> None:
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[key] = known

    def forget(self) -> None:
        """After a key was revoked."""
        self._revoked += 1
        self._known.clear()


def require(caller: Caller | None, role: Role) -> Caller:
    """Raise 401 without a key and 403 with one that may not."""
    if caller is None:
        raise _unauthorized("this needs a key: Authorization: Bearer <key>")
    if caller.role < role:
        raise Problem(403, f"this needs the role {role.name.lower()}; the key has {caller.role.name.lower()}")
    return caller


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="gateway"'})
