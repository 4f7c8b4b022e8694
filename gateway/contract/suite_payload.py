"""Bending payloads: the suite changes leaves, repeats and reorders lists, without knowing the provider.

A text is opened as far as it can be: JSON, JSON inside JSON strings (SF), JSON inside form fields (kuaidi100), XML.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

_XML_LEAF = re.compile(r'((?<=>)[^<>]+(?=<)|(?<==")[^"]*(?="))')


@dataclass(frozen=True, slots=True)
class Opened:
    """A text that holds a structure. kind: json, form or xml; node: its value (xml: text, leaf, text, leaf, ...)."""

    kind: str
    node: Any


@dataclass(frozen=True, slots=True)
class Leaf:
    """One scalar. number: its place in the order of `leaves`; parent: the number of the object it stands in."""

    number: int
    parent: int
    name: str
    value: Any


def opened(text: str) -> Any:
    """The structure of a text; the text itself when it has none."""
    stripped = text.strip()
    if stripped[:1] in {"{", "["}:
        try:
            return Opened("json", _inside(json.loads(stripped)))
        except (ValueError, RecursionError):
            return text
    if stripped[:1] == "<":
        return Opened("xml", _XML_LEAF.split(text))
    if re.match(r"[\w.\-]+=(?!=?$)\S*", stripped):  # not Base64, which only ends so
        return Opened("form", {name: opened(value) for name, value in parse_qsl(stripped, keep_blank_values=True)})
    return text


def _inside(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _inside(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_inside(value) for value in node]
    return opened(node) if isinstance(node, str) and node.strip()[:1] in {"{", "[", "<"} else node


def closed(node: Any) -> str:
    """The text of an opened one."""
    if not isinstance(node, Opened):
        return str(node)
    if node.kind == "xml":
        return "".join(str(part) for part in node.node)
    if node.kind == "form" and isinstance(node.node, dict):
        return urlencode({name: _plain(value) for name, value in node.node.items()}, errors="surrogateescape")
    return json.dumps(_plain(node.node), ensure_ascii=False, separators=(",", ":"))


def _plain(node: Any) -> Any:
    if isinstance(node, Opened):
        return closed(node)
    if isinstance(node, dict):
        return {name: _plain(value) for name, value in node.items()}
    return [_plain(value) for value in node] if isinstance(node, list) else node


def leaves(node: Any) -> list[Leaf]:
    """Every scalar of an opened text, in reading order."""
    found: list[Leaf] = []

    def keep(leaf: Leaf) -> Any:
        found.append(leaf)
        return leaf.value

    _changed(node, keep)
    return found


def with_leaves(node: Any, new: Mapping[int, Any]) -> Any:
    """A copy with the leaves of these numbers replaced."""
    return _changed(node, lambda leaf: new.get(leaf.number, leaf.value))


def _changed(root: Any, change: Callable[[Leaf], Any]) -> Any:
    leaf_numbers, object_numbers = itertools.count(), itertools.count(1)

    def walk(node: Any, name: str, parent: int) -> Any:
        if isinstance(node, Opened) and node.kind == "xml":
            parts = [walk(part, _tag(node.node, at), 0) if at % 2 else part for at, part in enumerate(node.node)]
            return Opened("xml", parts)
        if isinstance(node, Opened):
            return Opened(node.kind, walk(node.node, name, parent))
        if isinstance(node, dict):
            number = next(object_numbers)
            return {key: walk(value, key, number) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(value, name, parent) for value in node]
        return change(Leaf(next(leaf_numbers), parent, name, node))

    return walk(root, "", 0)


def _tag(parts: list[str], at: int) -> str:
    words = re.findall(r"[\w:.\-]+", parts[at - 1])
    return words[-1] if words else ""


def reordered(node: Any, how: Callable[[list[Any]], list[Any]]) -> Any:
    """A copy in which every list of objects has been rearranged by `how`."""
    if isinstance(node, Opened):
        return node if node.kind == "xml" else Opened(node.kind, reordered(node.node, how))
    if isinstance(node, dict):
        return {name: reordered(value, how) for name, value in node.items()}
    if isinstance(node, list):
        inner = [reordered(value, how) for value in node]
        return how(inner) if inner and all(isinstance(value, (dict, Opened)) for value in inner) else inner
    return node


def without_container(root: Any, number: int, new: Any) -> Any:
    """A copy in which the object or list of this number (reading order, from 0) is something else."""
    numbers = itertools.count()

    def walk(node: Any) -> Any:
        if isinstance(node, Opened):
            return node if node.kind == "xml" else Opened(node.kind, walk(node.node))
        if not isinstance(node, (dict, list)):
            return node
        if next(numbers) == number:
            return new
        return {key: walk(value) for key, value in node.items()} if isinstance(node, dict) else [walk(v) for v in node]

    return walk(root)


def containers(node: Any) -> int:
    """How many objects and lists there are."""
    if isinstance(node, Opened):
        return 0 if node.kind == "xml" else containers(node.node)
    if isinstance(node, dict):
        return 1 + sum(containers(value) for value in node.values())
    return 1 + sum(containers(value) for value in node) if isinstance(node, list) else 0
