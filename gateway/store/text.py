"""Text as both stores can hold it."""

from __future__ import annotations


def storable(text: str) -> str:
    """Without NUL and half surrogate pairs: PostgreSQL refuses the one, UTF-8 the other. They become U+FFFD."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
