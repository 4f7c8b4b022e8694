"""Images cannot be built here: the container files are held against the Makefile and the settings."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from gateway.commands import parser
from gateway.settings import Environment

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()


def instructions() -> list[tuple[str, str]]:
    """(INSTRUCTION, rest) of the Dockerfile, continued lines joined."""
    joined = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def all_of(name: str) -> list[str]:
    return [rest for word, rest in instructions() if word == name]


def service(name: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][name]
    return found


def test_two_stages_of_the_python_that_the_project_asks_for() -> None:
    stages = all_of("FROM")
    assert len(stages) == 2
    assert stages[0].endswith("AS build")
    assert all(stage.startswith("python:3.11-") for stage in stages)
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text()


def test_packages_are_installed_as_the_makefile_does() -> None:
    wanted = re.search(r"pip install (.*) -r requirements\.lock", MAKEFILE)
    got = re.search(r"pip install (.*) -r requirements\.lock", " ".join(all_of("RUN")))
    assert wanted and got
    assert {"--require-hashes", "--no-deps"} <= set(wanted[1].split()) & set(got[1].split())
    assert "requirements.lock" in " ".join(all_of("COPY"))


def test_what_is_copied_is_there_and_is_all_that_runs() -> None:
    copied = {rest.split()[0] for rest in all_of("COPY") if not rest.startswith("--from")}
    assert {"gateway", "adapters", "notifiers", "config", "requirements.lock"} == copied
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert not copied & set(ignored)
    assert {".git", "var", ".venv"} <= set(ignored)


def test_it_does_not_run_as_root_and_says_whether_it_is_well() -> None:
    last = [index for index, (word, _) in enumerate(instructions()) if word == "FROM"][-1]
    after = instructions()[last:]
    (user,) = [rest for word, rest in after if word == "USER"]
    assert user not in {"root", "0"}
    assert any(user in rest for word, rest in after if word == "RUN")
    (health,) = [rest for word, rest in after if word == "HEALTHCHECK"]
    assert "/healthz" in health
    assert "GATEWAY_PORT" in health


def test_the_command_is_one_that_the_command_line_knows() -> None:
    (entry,), (command,) = all_of("ENTRYPOINT"), all_of("CMD")
    assert shlex.split(entry.strip("[]").replace(",", " ")) == [".venv/bin/python", "-m", "gateway"]
    assert parser().parse_args(shlex.split(command.strip("[]").replace(",", " "))).command == "serve"
    assert "-m gateway demo" in MAKEFILE


@pytest.mark.parametrize("source", ["Dockerfile", "compose.yaml"])
def test_every_setting_is_one_that_the_gateway_reads(source: str) -> None:
    named = set(re.findall(r"GATEWAY_([A-Z_]+)[=:]", (ROOT / source).read_text()))
    assert named
    assert {name.lower() for name in named} <= set(Environment.model_fields)


def test_compose_brings_the_gateway_postgresql_and_redis() -> None:
    gateway = service("gateway")
    assert gateway["build"] == "."
    assert gateway["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }
    environment = gateway["environment"]
    assert isinstance(environment, dict)
    assert environment["GATEWAY_DATABASE_URL"].startswith("postgresql://")
    for name in ("postgres", "redis"):
        assert "healthcheck" in service(name)


def test_compose_runs_web_and_worker_processes() -> None:
    gateway, worker = service("gateway"), service("worker")
    for one in (gateway, worker):
        asked = parser().parse_args(one["command"])  # type: ignore[arg-type]
        assert (asked.command, asked.role) == ("serve", "web" if one is gateway else "worker")
    assert worker["environment"] == gateway["environment"]
    assert not worker["ports"]


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "compose.yaml").read_text()
    for name in ("POSTGRES_PASSWORD", "GATEWAY_SECRET_KEY", "GATEWAY_ADMIN_KEY"):
        assert re.search(rf"\$\{{{name}:\?", text)
        assert not re.search(rf"\$\{{{name}:?-", text)
