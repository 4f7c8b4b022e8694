"""The gateway under test, put together by gateway.app as `gateway serve` does it, for one carrier of its own."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from gateway.app import Gateway
from gateway.config import load
from gateway.settings import CarrierRow, Config, Environment
from tests.bench.wire import APP_KEY, APP_SECRET

_CONFIG = Path(__file__).parents[2] / "config"
_NOWHERE = "http://127.0.0.1:9"
#: What it allows in a second: enough to be no limit.
_PACE = 1_000_000


def configuration(carrier: str = _NOWHERE) -> Config:
    """The repository's configuration with one carrier that signs its pushes, at this address."""
    settings = {"base_url": carrier, "app_key": APP_KEY, "app_secret": APP_SECRET, "calls_per_second": _PACE}
    row = CarrierRow(adapter="zto", name={"zh": "中通快递", "en": "ZTO Express"}, country="CN", settings=settings)
    return load(_CONFIG, {}).model_copy(update={"carriers": {"zto": row}, "notifiers": {}, "channels": {}})


async def open_gateway(database_url: str, carrier: str = _NOWHERE) -> Gateway:
    """A gateway that answers on a free port; its workers are off. carrier: where the carrier answers, if anywhere."""
    secret = SecretStr("bench-only-bench-only")
    environment = Environment(database_url=database_url, port=0, config=_CONFIG, secret_key=secret, admin_key=secret)
    gateway = Gateway(environment, configuration(carrier))
    await gateway.start(workers=False)
    return gateway
