"""Stand-ins of the providers of SMS, WeChat, mail and operators' rooms, one file each."""

from __future__ import annotations
