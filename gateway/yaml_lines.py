"""YAML with the line of every value, `${NAME}` taken from the environment, and nothing a document may smuggle in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.constructor import SafeConstructor

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
Where = tuple[str | int, ...]
#: LibYAML's is ten times faster; without it installed PyYAML's own reads the same.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and where: file, line (1-based), the setting's path, the reason."""

    file: str
    line: int
    setting: str
    reason: str

    def __str__(self) -> str:
        setting = f"{self.setting}: " if self.setting else ""
        return f"{self.file}:{self.line}: {setting}{self.reason}"


@dataclass(slots=True, kw_only=True)
class Document:
    """A file: its value, and the line each path in it stands on."""

    file: str
    value: Any = None
    lines: dict[Where, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, where: Where, reason: str) -> None:
        """Note a problem at the nearest line that is known."""
        at = where
        while at and at not in self.lines:
            at = at[:-1]
        setting = ".".join(str(part) for part in where)
        self.problems.append(Problem(file=self.file, line=self.lines.get(at, 1), setting=setting, reason=reason))

    def invalid(self, error: ValidationError, where: Where = ()) -> None:
        """Note what pydantic found in the value at `where`; a secret's value is never repeated."""
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            message = one["msg"].removeprefix("Value error, ")
            self.problem((*where, *one["loc"]), message)


def read(path: Path, environ: Mapping[str, str], *, text: str | None = None) -> Document:
    """Read a file, or `text` in its name. What is wrong with it is in `problems`; `value` is None then."""
    document = Document(file=str(path))
    try:
        node = yaml.compose(path.read_text(encoding="utf-8") if text is None else text, Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        document.problem((), getattr(error, "strerror", None) or str(error))
        return document
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        document.problems.append(
            Problem(file=str(path), line=line, setting="", reason=f"not YAML: {error.problem or error.context}")
        )
        return document
    value = _value(node, (), document, environ) if node else {}
    document.value = None if document.problems else value
    return document


def _value(node: yaml.Node, where: Where, document: Document, environ: Mapping[str, str] | None) -> Any:
    """environ None: inside a row that is switched off, whose variables nobody needs to set."""
    document.lines[where] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        environ = None if _switched_off(node) else environ
        found: dict[str, Any] = {}
        for key, child in node.value:
            name = str(key.value)
            document.lines[(*where, name)] = key.start_mark.line + 1
            if name in found:
                document.problem((*where, name), "is given twice")
            found[name] = _value(child, (*where, name), document, environ)
            document.lines[(*where, name)] = key.start_mark.line + 1
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*where, number), document, environ) for number, child in enumerate(node.value)]
    return _scalar(node, where, document, environ)


def _switched_off(node: yaml.MappingNode) -> bool:
    return any(key.value == "enabled" and value.value in {"false", "no", "off"} for key, value in node.value)


def _scalar(node: yaml.Node, where: Where, document: Document, environ: Mapping[str, str] | None) -> Any:
    if environ is not None and isinstance(node.value, str) and "${" in node.value:
        missing = [name for name in _names(node.value) if name not in environ]
        for name in missing:
            document.problem(where, f"${{{name}}} is not set in the environment")
        text = _VARIABLE.sub(lambda match: environ.get(match[1], ""), node.value)
        return None if missing else text
    try:
        return SafeConstructor().construct_object(node, deep=True)
    except yaml.MarkedYAMLError as error:
        document.problem(where, f"not a plain value: {error.problem}")
        return None


def _names(text: str) -> Iterator[str]:
    yield from (match[1] for match in _VARIABLE.finditer(text))
