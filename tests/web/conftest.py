from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.store.engine import Store
from tests.web.parts import Gate, gate


@pytest.fixture
async def face(store: Store) -> AsyncIterator[Gate]:
    """The HTTP face on a store of either kind."""
    async with gate(store) as opened:
        yield opened
