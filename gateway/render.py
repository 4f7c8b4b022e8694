"""The words of a message: Jinja templates in config/messages/, by name and language.

`<template>.<language>.txt.j2` is needed; `.subject.j2` for mail; `.html.j2` where the frame `_mail.html.j2` is not
enough. Rendering is sandboxed, and a parameter that is missing fails before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import SandboxedEnvironment

#: What `gateway.messages.facts.parameters` gives to every template.
PARAMETERS = frozenset(
    {
        *("name", "order_id", "number", "carrier", "status_text", "reason_text", "days", "place", "promised", "link"),
        *("coupon_code", "coupon_amount", "coupon_until", "case_id", "case_kind", "severity", "cause"),
    }
)
#: What the frame of a mail is given beside them.
_FRAME = frozenset({"subject", "paragraphs", "language"})
_GAP = re.compile(r"\n\s*\n\s*")


class CannotRender(Exception):
    """The template is missing, wrong, or wants a parameter that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    subject: str
    text: str
    html: str


class Renderer:
    """Templates of one folder; carriers' texts in them are foreign input, so HTML is escaped."""

    def __init__(self, folder: Path = Path("config/messages")) -> None:
        self._loader = FileSystemLoader(folder)
        self._environment = SandboxedEnvironment(
            loader=self._loader,
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        )

    def render(self, template: str, locale: str, params: Mapping[str, Any]) -> Rendered:
        """Subject, text and HTML. Raise CannotRender naming the template."""
        name = f"{template}.{locale}"
        try:
            text = _GAP.sub("\n\n", self._one(f"{name}.txt.j2", params)).strip()
            subject = self._one(f"{name}.subject.j2", params, default="").strip()
            frame = {**params, "subject": subject, "paragraphs": text.split("\n\n"), "language": locale}
            html = self._one(f"{name}.html.j2", frame, default="")
            return Rendered(subject=subject, text=text, html=html or self._one("_mail.html.j2", frame))
        except TemplateError as error:
            raise CannotRender(f"template {name}: {error}") from error

    def problems(self, names: Sequence[str], languages: Sequence[str]) -> list[tuple[str, str]]:
        """(template, reason) for each of `names` that cannot be written in one of `languages`, does not parse, or wants
        a parameter that nobody gives."""
        bodies = [(name, f"{name}.{language}") for name in names for language in languages]
        needed = [(name, f"{body}.{part}.j2") for name, body in bodies for part in ("txt", "subject")]
        extra = [(name, f"{body}.html.j2") for name, body in bodies]
        found = [(name, self._problem(file)) for name, file in [*needed, ("_mail", "_mail.html.j2")]]
        found += [(name, self._problem(file, needed=False)) for name, file in extra]
        return [(name, reason) for name, reason in found if reason is not None]

    def _problem(self, file: str, *, needed: bool = True) -> str | None:
        try:
            source, _, _ = self._loader.get_source(self._environment, file)
            wanted = find_undeclared_variables(self._environment.parse(source))
            self._environment.get_template(file)
        except TemplateNotFound:
            return f"{file} is missing" if needed else None
        except TemplateError as error:
            return f"{file}: {error}"
        unknown = wanted - PARAMETERS - (_FRAME if file.endswith(".html.j2") else frozenset())
        return f"{file}: there is no parameter {', '.join(sorted(unknown))}" if unknown else None

    def _one(self, file: str, params: Mapping[str, Any], *, default: str | None = None) -> str:
        try:
            return self._environment.get_template(file).render(params)
        except TemplateNotFound:
            if default is None:
                raise
            return default


def template_problems(folder: Path, names: Sequence[str], languages: Sequence[str]) -> list[tuple[str, str]]:
    """(template, reason) for each of `names` that cannot be written in one of `languages`, or does not parse."""
    return Renderer(folder).problems(names, languages)
