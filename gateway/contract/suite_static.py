"""Faults that show without a sample: what a plugin imports, what it says it can do, which secrets it accepts."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from gateway.contract.carrier import Can, CarrierAdapter
from gateway.contract.notifier import Notifier
from gateway.contract.suite_samples import Problem, Subject, written

#: What a plugin may import besides the standard library.
_ALLOWED = ("httpx", "pydantic", "cryptography", "defusedxml", "aiosmtplib", "gateway.domain", "gateway.contract")

#: Calls that open a door of one's own: their answers would pass nobody's check of status and time-out.
_OWN_DOORS = {
    "AsyncClient",
    "Client",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "request",
    "stream",
    "AsyncHTTPTransport",
}

#: What must be written for each ability.
_WRITTEN: Mapping[Can, tuple[str, ...]] = {
    Can.POLL: ("poll",),
    Can.WEBHOOK: ("verify", "receive"),
    Can.SUBSCRIBE: ("subscribe",),
    Can.BOOK: ("book", "find_booking"),
    Can.CANCEL: ("cancel",),
    Can.INTERCEPT: ("intercept",),
}

#: Names of settings that hold a secret, for those an author has typed as plain text.
_SECRET_NAME = re.compile(r"secret|password|passwd|token|check_?word|salt|private_key|api_?key|(^|_)sign(_|$)", re.I)
_NOT_SECRET = re.compile(r"(_url|_path|_life|_ttl|_id|_name|_header|_version)$", re.I)


async def imports(subject: Subject) -> list[Problem]:
    """A plugin sees the bedrock and its own folder only: never another plugin, never the floors above."""
    return [
        Problem("imports", "", f"{file} line {line}: {name} is not for plugins")
        for file, tree in subject.trees.items()
        for name, line in _imported(tree)
        if not _may_import(name) and not f"{name}.".startswith(f"{subject.module}.")
    ]


def _imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            whole = "." * node.level + (node.module or "")
            names = [f"{whole}.{alias.name}" for alias in node.names] if whole in {"gateway", "."} else [whole]
            yield from ((name, node.lineno) for name in names)
        elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
            yield f"{_called(node)}()", node.lineno


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _may_import(name: str) -> bool:
    if name.startswith("gateway.contract.suite"):
        return False
    return name.split(".")[0] in sys.stdlib_module_names or any(
        name == allowed or name.startswith(allowed + ".") for allowed in _ALLOWED
    )


def own_doors(subject: Subject) -> Iterator[Problem]:
    """Requests that do not go through the client the plugin was given."""
    for file, node in _nodes(subject):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _OWN_DOORS:
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in {"httpx", "requests", "urllib"}:
                detail = f"{file} line {node.lineno}: {owner.id}.{node.func.attr} opens its own door"
                yield Problem("http_status", "", detail)


def compared_secrets(subject: Subject) -> Iterator[Problem]:
    """Comparisons with == inside `verify`: a signature is compared over bytes in constant time (`signing.same`)."""
    for file, node in _nodes(subject):
        if isinstance(node, ast.FunctionDef) and node.name == "verify":
            for compare in ast.walk(node):
                if isinstance(compare, ast.Compare) and _of_two_unknowns(compare):
                    where = f"{file} line {compare.lineno}"
                    yield Problem("signature", "", f"{where}: compare with gateway.contract.signing.same")


def _nodes(subject: Subject) -> Iterator[tuple[str, ast.AST]]:
    return ((file, node) for file, tree in subject.trees.items() for node in ast.walk(tree))


def _of_two_unknowns(compare: ast.Compare) -> bool:
    sides = [compare.left, *compare.comparators]
    known = (ast.Constant, ast.Set, ast.Tuple, ast.List)
    equality = all(isinstance(operator, (ast.Eq, ast.NotEq)) for operator in compare.ops)
    return equality and not any(isinstance(side, known) for side in sides)


async def ability(subject: Subject) -> list[Problem]:
    """What `can` declares is written, and what is written is declared."""
    plugin = subject.plugin
    said = _adapter_abilities(plugin) if issubclass(plugin, CarrierAdapter) else _notifier_abilities(plugin)
    idle = [sample for sample in subject.brought if sample not in subject.samples]
    return [*said, *(Problem("ability", sample.title, f"{sample.method} is not written") for sample in idle)]


def _adapter_abilities(plugin: type[CarrierAdapter]) -> Iterator[Problem]:
    for can, names in _WRITTEN.items():
        for name in names:
            if can in plugin.can and not written(plugin, name):
                yield Problem("ability", "", f"{can.name} is declared and {name} is not written")
            if can not in plugin.can and written(plugin, name):
                yield Problem("ability", "", f"{name} is written and {can.name} is not declared")
    if written(plugin, "detect") and not plugin.aggregator:
        yield Problem("ability", "", "detect is for aggregators: a carrier's own numbers have `number_forms`")
    if Can.POLL in plugin.can and plugin.batch < 1:
        yield Problem("ability", "", "batch is below 1")


def _notifier_abilities(plugin: type[Notifier]) -> Iterator[Problem]:
    if written(plugin, "receipts") != written(plugin, "verify"):
        yield Problem("ability", "", "verify and receipts are written together or not at all")


async def empty_secret(subject: Subject) -> list[Problem]:
    """A secret is required and never empty: an empty one verifies every forger."""
    return [
        Problem("empty_secret", "", f"{name}: {how} is accepted")
        for name, field in subject.plugin.Settings.model_fields.items()
        if is_secret(name, field)
        for how, settings in _emptied(subject.settings, name, field)
        if _accepted(subject, settings)
    ]


def is_secret(name: str, field: FieldInfo) -> bool:
    """Whether a setting is typed as a secret, or is plain text with the name of one."""
    if "SecretStr" in str(field.annotation) or field.annotation is SecretStr:
        return True
    plain = "str" in str(field.annotation)
    return plain and bool(_SECRET_NAME.search(name)) and not _NOT_SECRET.search(name)


def optional_secrets(subject: Subject) -> list[str]:
    """Secrets that are switched off by None, for a second secret or a feature that needs not be used."""
    fields = subject.plugin.Settings.model_fields.items()
    return [name for name, field in fields if is_secret(name, field) and _switched_off(field)]


def _switched_off(field: FieldInfo) -> bool:
    return not field.is_required() and field.default is None


def _emptied(settings: dict[str, Any], name: str, field: FieldInfo) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "an empty one", {**settings, name: ""}
    yield "one of blanks", {**settings, name: "  "}
    if not _switched_off(field):
        yield "a missing one", {key: value for key, value in settings.items() if key != name}


def _accepted(subject: Subject, settings: dict[str, Any]) -> bool:
    try:
        subject.plugin.Settings.model_validate(settings)
    except ValidationError:
        return False
    return True
