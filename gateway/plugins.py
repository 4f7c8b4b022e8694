"""Finding plugins by file name, and the rows of configuration that use them.

An adapter is `adapters/<code>.py` or the folder `adapters/<code>/`, a notifier likewise in `notifiers/`, or what an
installed package names under the entry points `gateway.adapters` and `gateway.notifiers`. Nobody lists them anywhere.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, TypeVar

import httpx

from gateway.contract import Can, CarrierAdapter, Notifier, SharedTokens
from gateway.domain import Channel, NumberPattern, ProviderTemplate
from gateway.settings import CarrierRow, NotifierRow

Plugin = TypeVar("Plugin", CarrierAdapter, Notifier)


class UnknownPlugin(Exception):
    """No such file, folder or entry point, or it holds no plugin of that code."""


@cache
def _published(group: str) -> Mapping[str, EntryPoint]:
    """What installed packages publish, by code. Looked for once: it is a walk through all that is installed."""
    return {point.name: point for point in entry_points(group=group)}


def _find(kind: type[Plugin], folder: str, code: str) -> type[Plugin]:
    if not code.isidentifier():
        raise UnknownPlugin(f"{code!r} is not the name of a plugin in {folder}/")
    published = _published(f"gateway.{folder}").get(code)
    if published is not None:
        loaded: type[Plugin] = published.load()
        return loaded
    if find_spec(f"{folder}.{code}") is None:
        raise UnknownPlugin(f"there is no {folder}/{code}.py and no {folder}/{code}/")
    module = importlib.import_module(f"{folder}.{code}")
    for _, found in inspect.getmembers(module, inspect.isclass):
        if issubclass(found, kind) and found.__module__ == module.__name__ and getattr(found, "code", None) == code:
            return found
    raise UnknownPlugin(f"{folder}/{code} has no {kind.__name__} with code = {code!r}")


def adapter_class(code: str) -> type[CarrierAdapter]:
    """The adapter of a code. Raise UnknownPlugin."""
    return _find(CarrierAdapter, "adapters", code)


def notifier_class(code: str) -> type[Notifier]:
    """The notifier of a code. Raise UnknownPlugin."""
    return _find(Notifier, "notifiers", code)  # type: ignore[type-abstract]


def carrier_settings(kind: type[CarrierAdapter], row: CarrierRow) -> dict[str, Any]:
    """The row's settings as the adapter knows them: an aggregator's `company` belongs to the gateway."""
    own = "company" in kind.Settings.model_fields
    return {name: value for name, value in row.settings.items() if own or name != "company" or not kind.aggregator}


def account(adapter: str, settings: Mapping[str, Any]) -> str:
    """The key of an account: rows that differ only in the company an aggregator is asked about share one."""
    own = {name: value for name, value in settings.items() if name not in {"company", "calls_per_second"}}
    digest = hashlib.sha256(json.dumps(own, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return f"{adapter}:{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A row of carriers.yaml with its adapter."""

    code: str
    row: CarrierRow
    adapter: CarrierAdapter

    @property
    def can(self) -> Can:
        return self.adapter.able(self.adapter.settings)

    def name(self, locale: str) -> str:
        """The carrier's name in a language (zh-CN, zh, en ...); else English, else any."""
        names = self.row.name
        return names.get(locale) or names.get(locale.split("-")[0]) or names.get("en") or next(iter(names.values()))


class Carriers(Mapping[str, Carrier]):
    """Every enabled carrier by its code."""

    def __init__(self, carriers: Mapping[str, Carrier]) -> None:
        self._carriers = dict(carriers)
        self._by_alias = {
            (provider, company): carrier.code
            for carrier in carriers.values()
            for provider, company in self._aliases(carrier).items()
        }

    def __getitem__(self, code: str) -> Carrier:
        return self._carriers[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._carriers)

    def __len__(self) -> int:
        return len(self._carriers)

    @staticmethod
    def _aliases(carrier: Carrier) -> dict[str, str]:
        own = carrier.row.settings.get("company")
        named = {carrier.code: own, carrier.row.adapter: own} if own and carrier.adapter.aggregator else {}
        return {**named, **carrier.row.aliases}

    def number_forms(self) -> dict[str, tuple[NumberPattern, ...]]:
        """The forms of each carrier's tracking numbers: the row's own, then its adapter's."""
        return {code: (*one.row.number_forms, *one.adapter.number_forms) for code, one in self._carriers.items()}

    def named(self, provider: Carrier, company: str | None) -> str | None:
        """Which carrier a provider speaks of: its own row when it names none, else by alias; None: nobody has it."""
        if company is None:
            return provider.code
        by_row = self._by_alias.get((provider.code, company))
        return by_row or self._by_alias.get((provider.row.adapter, company))

    def company(self, carrier: str, provider: Carrier) -> str | None:
        """What a provider calls a carrier, None when it speaks only of its own."""
        names = self._aliases(self._carriers[carrier])
        return names.get(provider.code) or names.get(provider.row.adapter)

    def fallback(self, carrier: str) -> Carrier | None:
        """Who else can read this carrier's numbers."""
        code = self._carriers[carrier].row.fallback
        return self._carriers.get(code) if code else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A row of notifiers.yaml with its notifier."""

    name: str
    row: NotifierRow
    notifier: Notifier

    def template(self, name: str, locale: str) -> ProviderTemplate | None:
        """The provider's template for ours, in exactly this language; None when the row has none."""
        found = self.row.templates.get(name, {}).get(locale)
        if found is None:
            return None
        return ProviderTemplate(id=found) if isinstance(found, str) else ProviderTemplate(**found)


class Notifiers(Mapping[str, Sender]):
    """Every enabled sender by its name, and per channel in the configured order."""

    def __init__(self, senders: Mapping[str, Sender], channels: Mapping[Channel, tuple[str, ...]]) -> None:
        self._senders = dict(senders)
        self._channels = channels

    def __getitem__(self, name: str) -> Sender:
        return self._senders[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._senders)

    def __len__(self) -> int:
        return len(self._senders)

    def on(self, channel: Channel) -> list[Sender]:
        """The senders of a channel, in order; those that are switched off are left out."""
        return [self._senders[name] for name in self._channels.get(channel, ()) if name in self._senders]


def build_carriers(
    rows: Mapping[str, CarrierRow],
    client: Callable[[type[CarrierAdapter], Any], httpx.AsyncClient],
    tokens: Callable[[str], SharedTokens | None] = lambda account: None,
) -> Carriers:
    """Every enabled row with its adapter. client: makes the HTTP client for (adapter class, its settings). tokens:
    where processes share an account's."""
    carriers = {}
    for code, row in rows.items():
        if row.enabled:
            kind = adapter_class(row.adapter)
            settings = kind.Settings.model_validate(carrier_settings(kind, row))
            adapter = kind(settings, client(kind, settings))
            adapter.shared_tokens = tokens(account(row.adapter, row.settings))
            carriers[code] = Carrier(code=code, row=row, adapter=adapter)
    return Carriers(carriers)


def unheard(rows: Mapping[str, CarrierRow]) -> list[str]:
    """Carriers that are on and whose pushes will be refused: unsigned, and the row has no `webhook_token`."""
    found = []
    for code, row in rows.items():
        if row.enabled and row.webhook_token is None:
            kind = adapter_class(row.adapter)
            own = kind.Settings.model_validate(carrier_settings(kind, row))
            if Can.WEBHOOK in kind.able(own) and kind.by_path(own):
                found.append(code)
    return found


def build_notifiers(
    rows: Mapping[str, NotifierRow],
    channels: Mapping[Channel, tuple[str, ...]],
    client: Callable[[type[Notifier], Any], httpx.AsyncClient],
) -> Notifiers:
    """Every enabled row with its notifier."""
    senders = {}
    for name, row in rows.items():
        if row.enabled:
            kind = notifier_class(row.notifier)
            settings = kind.Settings.model_validate(row.settings)
            senders[name] = Sender(name=name, row=row, notifier=kind(settings, client(kind, settings)))
    return Notifiers(senders, channels)
