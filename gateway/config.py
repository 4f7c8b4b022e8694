"""The configuration folder, read and checked as a whole: every problem with file, line and reason.

`gateway check` prints what is found here; `gateway serve` refuses to start on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.contract import Can, CarrierAdapter
from gateway.domain import Channel
from gateway.plugins import UnknownPlugin, adapter_class, carrier_settings, notifier_class
from gateway.policies import MODELS
from gateway.render import template_problems
from gateway.routing import routes_problems
from gateway.rules.agreement import playbook_problems, templates
from gateway.rules.calendar import Calendar
from gateway.rules.policy.pace import PollPace
from gateway.rules.policy.retention import Retention
from gateway.settings import CarrierRow, Config, NotifierRow
from gateway.yaml_lines import Document, Problem, Where, read

Model = TypeVar("Model", bound=BaseModel)
_FILES = ("carriers", "notifiers", *MODELS, "polling")
#: May be absent: then its defaults hold.
_RETENTION = "retention"


class ConfigError(Exception):
    """The configuration cannot be used. problems: all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load(folder: Path, environ: Mapping[str, str]) -> Config:
    """Read <folder>/*.yaml. Raise ConfigError with every problem found."""
    there = (*_FILES, _RETENTION) if (folder / f"{_RETENTION}.yaml").exists() else _FILES
    files = {name: read(folder / f"{name}.yaml", environ) for name in there}
    carriers = _rows(files["carriers"], "carriers", CarrierRow)
    notifiers = _rows(files["notifiers"], "notifiers", NotifierRow)
    policies: dict[str, Any] = {name: _parsed(files[name], (), model) for name, model in MODELS.items()}
    pace = _parsed(files["polling"], (), PollPace)
    kept = _parsed(files[_RETENTION], (), Retention) if _RETENTION in files else Retention()
    adapters = _adapters(files["carriers"], carriers)
    channels = _channels(files["notifiers"], notifiers)
    _check_fallbacks(files["carriers"], carriers, adapters)
    _check_calendars(files["carriers"], carriers)
    _check_notifiers(files["notifiers"], notifiers)
    if policies["routes"] is not None and (declared := _declared(files["carriers"])):
        for where, reason in routes_problems(policies["routes"], _able(declared, carriers, adapters)):
            files["routes"].problem(where, reason)
    if policies["playbooks"] is not None:
        for where, reason in playbook_problems(policies["playbooks"], policies["compensation"]):
            files["playbooks"].problem(where, reason)
    problems = [problem for document in files.values() for problem in document.problems]
    problems += _templates(folder, policies)
    if problems:
        raise ConfigError(problems)
    return Config(
        folder=folder,
        carriers=carriers,
        notifiers=notifiers,
        channels=channels,
        polling=pace,
        retention=kept,
        **policies,
    )


def _parsed(document: Document, where: Where, model: type[Model], value: Any = None) -> Model | None:
    if document.value is None:
        return None
    try:
        return model.model_validate(document.value if value is None else value)
    except ValidationError as error:
        document.invalid(error, where)
        return None


def _section(document: Document, name: str) -> dict[str, Any]:
    value = (document.value or {}).get(name) if isinstance(document.value, dict) else None
    if isinstance(value, dict):
        return value
    if document.value is not None:
        document.problem((name,), f"{name}: a mapping is needed here")
    return {}


def _rows(document: Document, name: str, model: type[Model]) -> dict[str, Model]:
    found = {}
    for code, value in _section(document, name).items():
        row = _parsed(document, (name, code), model, value or {})
        if row is not None:
            found[code] = row
    return found


def _adapters(document: Document, rows: Mapping[str, CarrierRow]) -> dict[str, type[CarrierAdapter]]:
    found = {}
    for code, row in rows.items():
        where: Where = ("carriers", code)
        try:
            kind = adapter_class(row.adapter)
        except UnknownPlugin as error:
            document.problem((*where, "adapter"), str(error))
            continue
        found[code] = kind
        if row.detect and not hasattr(kind, "detect"):
            document.problem((*where, "detect"), f"{row.adapter} cannot tell whose a number is")
        if kind.aggregator and code != row.adapter and "company" not in row.settings:
            document.problem((*where, "settings"), f"company: {row.adapter} must know what it calls this carrier")
        try:
            if row.enabled:
                kind.Settings.model_validate(carrier_settings(kind, row))
        except ValidationError as error:
            document.invalid(error, (*where, "settings"))
    return found


def _declared(carriers: Document) -> frozenset[str]:
    """The carriers that the file names, be their rows right or wrong; none when it cannot be read."""
    section = carriers.value.get("carriers") if isinstance(carriers.value, dict) else None
    return frozenset(section) if isinstance(section, dict) else frozenset()


def _able(
    declared: frozenset[str], rows: Mapping[str, CarrierRow], adapters: Mapping[str, type[CarrierAdapter]]
) -> dict[str, Can]:
    """What each carrier that is on can do. One whose row is wrong is told of there: here it may do everything."""
    wrong = declared - (rows.keys() & adapters.keys())
    on = {code: _can(kind, rows[code]) for code, kind in adapters.items() if rows[code].enabled}
    return {**on, **dict.fromkeys(wrong, ~Can(0))}


def _can(kind: type[CarrierAdapter], row: CarrierRow) -> Can:
    """What the row's settings allow; settings that are wrong were told of already."""
    try:
        return kind.able(kind.Settings.model_validate(carrier_settings(kind, row)))
    except ValidationError:
        return kind.can


def _check_calendars(document: Document, rows: Mapping[str, CarrierRow]) -> None:
    """Stalls are counted on the carrier's calendar: a country without known holidays or zone has none."""
    for code, row in rows.items():
        try:
            Calendar(row.country, row.works, row.timezone or "", frozenset(row.closed))
        except ValueError as error:
            field = "country" if row.timezone is None or "holidays" in str(error) else "timezone"
            document.problem(("carriers", code, field), str(error))


def _check_fallbacks(
    document: Document, rows: Mapping[str, CarrierRow], adapters: Mapping[str, type[CarrierAdapter]]
) -> None:
    wrong = _declared(document) - (rows.keys() & adapters.keys())  # told of already
    for code, row in rows.items():
        if row.fallback is None or row.fallback in wrong:
            continue
        other = rows.get(row.fallback)
        if other is None:
            reason = f"there is no carrier {row.fallback}"
        elif row.fallback == code:
            reason = "a carrier cannot be its own fallback"
        elif Can.POLL not in adapters[row.fallback].can:
            reason = f"{row.fallback} cannot be polled"
        elif row.fallback not in row.aliases and other.adapter not in row.aliases:
            reason = f"{row.fallback} is not told what it calls this carrier: add it to aliases"
        else:
            continue
        document.problem(("carriers", code, "fallback"), reason)


def _check_notifiers(document: Document, rows: Mapping[str, NotifierRow]) -> None:
    for name, row in rows.items():
        try:
            kind = notifier_class(row.notifier)
            if row.enabled:
                kind.Settings.model_validate(row.settings)
        except UnknownPlugin as error:
            document.problem(("notifiers", name, "notifier"), str(error))
        except ValidationError as error:
            document.invalid(error, ("notifiers", name, "settings"))


def _channels(document: Document, rows: Mapping[str, NotifierRow]) -> dict[Channel, tuple[str, ...]]:
    found: dict[Channel, tuple[str, ...]] = {}
    for word, names in _section(document, "channels").items():
        if word not in set(Channel):
            document.problem(("channels", word), f"no such channel: one of {', '.join(Channel)}")
            continue
        found[Channel(word)] = tuple(names) if isinstance(names, list) else (str(names),)
        for number, name in enumerate(found[Channel(word)]):
            if name not in rows:
                document.problem(("channels", word, number), f"there is no notifier {name}")
            elif _channel_of(rows[name]) not in {None, Channel(word)}:
                document.problem(("channels", word, number), f"{name} speaks {_channel_of(rows[name])}, not {word}")
    return found


def _channel_of(row: NotifierRow) -> Channel | None:
    try:
        return notifier_class(row.notifier).channel
    except UnknownPlugin:
        return None


def _templates(folder: Path, policies: Mapping[str, Any]) -> list[Problem]:
    playbooks, messages = policies["playbooks"], policies["messages"]
    if playbooks is None or messages is None:
        return []
    wanted = {name for _, name in templates(playbooks, messages)}
    return [
        Problem(file=str(folder / "messages"), line=1, setting=name, reason=reason)
        for name, reason in template_problems(folder / "messages", sorted(wanted), messages.languages)
    ]
