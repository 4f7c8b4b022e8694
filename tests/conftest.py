"""Real parts for tests: a store of either kind, PostgreSQL and Redis started on free ports and stopped again."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler.loadgroup import LoadGroupScheduling

from gateway.store.engine import Store, connect
from gateway.store.migrate import upgrade
from tests.servers import Postgres, Redis


class Together(LoadGroupScheduling):
    """Tests that share five processes stay in one worker. xdist 3.8 writes groups into node ids, where pytest 9.2 does
    not look any more, so a mark would change nothing."""

    FILES = ("tests/cluster/test_cluster.py",)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in self.FILES else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadGroupScheduling:
    return Together(config, log)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test process."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: every test that touches the store runs on both."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'gateway.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"t{secrets.token_hex(6)}"
    server.create(name)
    yield server.url(name)
    server.drop(name)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store with the newest schema."""
    opened = connect(database_url)
    await upgrade(opened)
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the environment of the machine may reach into a test."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)
