"""Stand-ins of carriers and aggregators, one file each."""

from __future__ import annotations
