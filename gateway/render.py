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
from jinja2.sandbox import SandboxedEnvironment

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
        self._environment = SandboxedEnvironment(
            loader=FileSystemLoader(folder),
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
        """(template, reason) for each of `names` that cannot be written in one of `languages`, or does not parse."""
        files = [(n, f"{n}.{lang}.{part}.j2") for n in names for lang in languages for part in ("txt", "subject")]
        found = []
        for name, file in [*files, ("_mail", "_mail.html.j2")]:
            try:
                self._environment.get_template(file)
            except TemplateNotFound:
                found.append((name, f"{file} is missing"))
            except TemplateError as error:
                found.append((name, f"{file}: {error}"))
        return found

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
