"""What the operator writes: the environment, and the rows of carriers.yaml and notifiers.yaml (house.md section 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from gateway.domain import Channel, NumberPattern
from gateway.rules.policy import Compensation, MessagePolicy, Playbooks, Retention, Routes, Stalls
from gateway.rules.policy.pace import PollPace

_WORKS = re.compile(r"^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$")


def _works(value: str) -> str:
    if not _WORKS.match(value):
        raise ValueError("days like mon-fri or mon-sun")
    return value


def _long(value: SecretStr | None) -> SecretStr | None:
    if value is not None and len(value.get_secret_value()) < 16:
        raise ValueError("a path token is long and random: at least 16 characters")
    return value


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CarrierRow(_Row):
    """One carrier: what shipments name. Where a field is absent the adapter's or the field's default holds."""

    adapter: str
    name: dict[str, str]  #: language -> name
    country: str = Field(pattern="^[A-Z]{2}$")
    timezone: str | None = None  #: IANA zone of its working days; absent: the country's
    works: Annotated[str, AfterValidator(_works)] = "mon-sun"
    closed: tuple[date, ...] = ()  #: further days that do not count
    aliases: dict[str, str] = {}  #: aggregator's row or adapter code -> its name for this carrier
    settings: dict[str, Any] = {}
    number_forms: tuple[NumberPattern, ...] = ()  #: forms of its tracking numbers, besides those its adapter brings
    webhook_token: Annotated[SecretStr | None, AfterValidator(_long)] = None
    fallback: str | None = None
    detect: bool = False  #: an aggregator that is asked whose number it may be, when none was named and none is certain
    auto_register: bool = False
    max_body: int = Field(default=1 << 20, gt=0, le=64 << 20)
    enabled: bool = True


class NotifierRow(_Row):
    """One account at one provider. templates: ours -> language -> the provider's (a text, or id, params, limits)."""

    notifier: str
    settings: dict[str, Any] = {}
    templates: dict[str, dict[str, str | dict[str, Any]]] = {}
    webhook_token: Annotated[SecretStr | None, AfterValidator(_long)] = None
    enabled: bool = True


class Config(BaseModel):
    """A whole configuration folder, read and checked (see gateway.config.load)."""

    model_config = ConfigDict(frozen=True)

    folder: Path
    carriers: dict[str, CarrierRow]
    notifiers: dict[str, NotifierRow]
    channels: dict[Channel, tuple[str, ...]]
    routes: Routes
    stalls: Stalls
    playbooks: Playbooks
    compensation: Compensation
    messages: MessagePolicy
    polling: PollPace
    retention: Retention = Retention()


class Environment(BaseModel):
    """GATEWAY_* of the environment. admin_key: the first key; one is made and printed once when absent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: str = "sqlite:///var/gateway.db"
    redis_url: str | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    config: Path = Path("config")
    secret_key: SecretStr | None = Field(default=None, min_length=16)
    admin_key: SecretStr | None = Field(default=None, min_length=16)
    log_format: Literal["text", "json"] = "text"
    lease_seconds: float = Field(default=20, ge=1, le=600)  #: how soon a worker that died is replaced
    public_url: str | None = None  #: how the outside reaches us, for links in messages

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Environment:
        """Raise pydantic.ValidationError naming the field; an unknown GATEWAY_ name is one of them."""
        prefix = "GATEWAY_"
        return cls.model_validate({k[len(prefix) :].lower(): v for k, v in environ.items() if k.startswith(prefix)})
