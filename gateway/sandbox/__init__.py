"""The outhouse: stand-ins of carriers and providers on loopback, and the journeys that show the gateway at work.

A process of its own (`python -m gateway.sandbox`) and a library for tests (`gateway.sandbox.server.serve`). It sees
only the bedrock, speaks the providers' documented wire formats from their side, and drives the gateway over HTTP.
"""

from __future__ import annotations
