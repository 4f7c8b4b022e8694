"""Telling people: what is news, in which words, on which channel, once."""

from __future__ import annotations

from gateway.messages.follow import follow

__all__ = ["follow"]
