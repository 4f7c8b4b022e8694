"""The documents say what is true: what they link and name is there, and nothing that should be in them is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.domain import FAULT, DeedKind, Reason, Status
from gateway.plugins import adapter_class, notifier_class
from gateway.rules.policy import Playbook, RemedyPlan
from gateway.rules.stall import case_kinds
from gateway.settings import CarrierRow, Environment, NotifierRow
from tests.compliance import plugins
from tests.pages import CHINESE, DOCS, MADE_UP, PAGES, README, ROOT, blocks, commands, headings, links, prose, text

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, fragment = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        assert not fragment or fragment in map(anchor, headings(target)), link


@every_page
def test_files_that_are_named_are_there(page: Path) -> None:
    named = re.findall(r"`((?:gateway|adapters|notifiers|config|docs|tests)/[\w./-]*)`", prose(page))
    assert [name for name in named if not (ROOT / name).exists() and page != MADE_UP] == []


def test_every_variable_is_documented_and_none_is_invented() -> None:
    ours = {f"GATEWAY_{name.upper()}" for name in Environment.model_fields}
    named = {page: set(re.findall(r"GATEWAY_[A-Z_]*[A-Z]", text(page))) for page in PAGES}
    assert named[DOCS / "configuration.md"] == ours
    assert set().union(*named.values()) == ours


def test_both_readmes_say_the_same() -> None:
    assert [one.partition(" ")[0] for one in headings(README)] == [one.partition(" ")[0] for one in headings(CHINESE)]
    assert [info for info, _ in blocks(README)] == [info for info, _ in blocks(CHINESE)]
    assert commands(README) == commands(CHINESE)
    same = [body for info, body in blocks(README) if info != "sh"]
    assert same == [body for info, body in blocks(CHINESE) if info != "sh"]
    assert links(README)[1:] == links(CHINESE)[1:]  # the first leads to the other language
    assert prose(README).count("\n- ") == prose(CHINESE).count("\n- ")


def unnamed(page: str, words: Any) -> list[str]:
    said = text(DOCS / page)
    return [word for word in words if f"`{word}`" not in said and f"`{word}:" not in said]


def test_the_glossary_has_every_status_and_reason() -> None:
    assert unnamed("glossary.md", Status) == []
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\w+) \|$", text(DOCS / "glossary.md"), re.M)
    assert {Reason(reason): fault for reason, fault in rows if reason in set(Reason)} == FAULT


def test_playbooks_are_described_whole() -> None:
    templates = {path.name.partition(".")[0] for path in (ROOT / "config" / "messages").glob("*.txt.j2")}
    tree = ast.parse(text(ROOT / "gateway" / "messages" / "facts.py"))
    function = next(one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "parameters")
    parameters = _keys(function)
    fields = {*Playbook.model_fields, *RemedyPlan.model_fields}
    assert unnamed("playbooks.md", [*case_kinds(), *DeedKind, *sorted(templates | parameters | fields)]) == []


def _keys(function: ast.FunctionDef) -> set[str]:
    """Of every dict the function writes down."""
    keys = [key for node in ast.walk(function) if isinstance(node, ast.Dict) for key in node.keys]
    return {str(key.value) for key in keys if isinstance(key, ast.Constant)}


def test_every_field_of_a_row_is_described() -> None:
    assert unnamed("configuration.md", [*CarrierRow.model_fields, *NotifierRow.model_fields]) == []


def described() -> list[tuple[type[Any], str]]:
    """(the plugin's settings, where they are described): adapters in docs/carriers.md, notifiers in a table."""
    parts = re.split(r"^## ", text(DOCS / "carriers.md"), flags=re.M)[1:]
    carriers = {part.split("\n", 1)[0].strip(): part for part in parts}
    assert {path.stem for path in plugins("adapters")} == carriers.keys()
    body = re.search(r"^\| notifier \| needed .*\n\|[-|]+\n((?:\|.*\n)+)", text(DOCS / "configuration.md"), re.M)
    assert body is not None
    rows = re.findall(r"^(\| `(\w+)` \|.*)$", body[1], re.M)
    found = [(adapter_class(code).Settings, part) for code, part in carriers.items()]
    return [*found, *((notifier_class(code).Settings, row) for row, code in rows)]


def test_a_plugin_that_is_described_is_described_with_all_its_settings() -> None:
    """A new one needs no line: to add a carrier nothing but its file, samples and row is edited."""
    everywhere = {"base_url", "calls_per_second"}
    assert described()
    for settings, row in described():
        fields = {field.alias or name for name, field in settings.model_fields.items()} - everywhere
        assert [name for name in sorted(fields) if f"`{name}`" not in row] == [], row


def test_every_part_of_the_house_is_described() -> None:
    parts = [path for path in (ROOT / "gateway").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    assert unnamed("architecture.md", [f"gateway/{path.name}" for path in parts if path.name != "__init__.py"]) == []


def test_every_decision_is_dated_and_says_why() -> None:
    parts = re.split(r"^### ", text(DOCS / "decisions.md"), flags=re.M)[1:]
    assert parts
    for part in parts:
        flat = " ".join(part.split())
        assert re.match(r"\d{4}-\d{2}-\d{2} ", flat), flat[:60]
        marks = ("*Question:*", "*Choice:*", "*Why:*", "*Would change it:*")
        assert [mark for mark in marks if mark not in flat] == [], flat[:60]
