"""Examples in the documents are taken as they stand: YAML by the configuration, calls by the table of endpoints."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from gateway.commands import parser
from gateway.config import load
from gateway.policies import MODELS
from gateway.web.app import table
from gateway.web.body import read_query
from gateway.web.endpoint import Endpoint, NoQuery
from tests.pages import MADE_UP, PAGES, ROOT, blocks, commands, prose, text

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def examples() -> Iterator[Any]:
    """(file of config/, body) of every YAML block."""
    for page in PAGES:
        for info, body in blocks(page) if page != MADE_UP else ():
            language, _, file = info.partition(" ")
            if language in ("yaml", "yml"):
                yield pytest.param(file, body, id=f"{page.name}:{file}")


def written(folder: Path, file: str, value: dict[str, Any]) -> None:
    """A shipped file with an example in it: rows and entries replaced, the others kept."""
    path = folder / Path(file).name
    shipped = yaml.safe_load(text(path))
    merged = {**shipped, **value}
    for name, part in value.items():
        if isinstance(part, dict) and isinstance(shipped.get(name), dict):
            merged[name] = {**shipped[name], **part}
    path.write_text(yaml.safe_dump(merged, allow_unicode=True), encoding="utf-8")


@pytest.mark.parametrize(("file", "body"), list(examples()))
def test_an_example_is_taken_by_the_whole_configuration(file: str, body: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
    carriers = yaml.safe_load(text(folder / "carriers.yaml"))["carriers"]
    carriers["zto"]["settings"] |= {"account_id": "made-up", "account_password": "made-up"}
    on = {code: {**carriers[code], "enabled": True} for code in ("sf", "zto")}  # so that one can stand in for the other
    written(folder, "carriers.yaml", {"carriers": on})
    assert (ROOT / file).is_file()
    written(folder, file, yaml.safe_load(body))
    variables = {name for path in folder.glob("*.yaml") for name in re.findall(r"\$\{(\w+)\}", text(path))}
    load(folder, dict.fromkeys(variables, "made-up-and-long-enough"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Curl:
    """One call of a shell block."""

    method: str
    path: str
    query: str
    body: str | None


def curl(words: list[str]) -> Curl:
    url = urlsplit(next(word for word in words if word.startswith("http")))
    body = words[words.index("-d") + 1] if "-d" in words else None
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
    return Curl(method=method, path=url.path, query=url.query, body=body)


def served(method: str, path: str) -> Endpoint | None:
    """The endpoint that answers; the table's order decides, as in the application."""
    for endpoint in table():
        pattern = re.sub(r"\{\w+(:[^}]*)?\}", "[^/]+", endpoint.path)
        if endpoint.method == method and re.fullmatch(pattern, path):
            return endpoint
    return None


def every_call() -> Iterator[Any]:
    for page in PAGES:
        for number, words in enumerate(commands(page)):
            if words[0] == "curl":
                yield pytest.param(curl(words), id=f"{page.name}:{number}")


@pytest.mark.parametrize("call", list(every_call()))
def test_a_call_of_an_example_is_served_and_its_body_is_accepted(call: Curl) -> None:
    endpoint = served(call.method, call.path)
    assert endpoint is not None
    assert endpoint.status != 501
    read_query(endpoint.query or NoQuery, call.query)
    if call.body is not None and not call.body.startswith("@"):
        model = endpoint.body or MODELS[call.path.rpartition("/")[2]]
        model.model_validate(json.loads(call.body))


@every_page
def test_paths_in_prose_are_served(page: Path) -> None:
    named = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`?\s]*)", prose(page))
    assert [(verb, path) for verb, path in named if not served(verb, re.sub(r"\{\w+\}", "x", path))] == []


@every_page
def test_commands_are_ours(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text(ROOT / "Makefile"), re.M))
    for words in commands(page):
        if words[0] == "make":
            assert words[1] in targets
        if "-m" in words and words[words.index("-m") + 1] == "gateway":
            parser().parse_args(words[words.index("-m") + 2 :])
        elif "-m" in words:
            assert find_spec(words[words.index("-m") + 1])
            files = [word for word in words[1:] if "/" in word and "://" not in word]
            assert [name for name in files if page != MADE_UP and not (ROOT / name).exists()] == []
