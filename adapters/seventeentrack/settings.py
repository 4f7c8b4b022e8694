"""What a row of 17TRACK is set with."""

from __future__ import annotations

from pydantic import Field

from gateway.contract.carrier import CarrierSettings
from gateway.contract.secret import Secret


class SeventeenTrackSettings(CarrierSettings):
    """base_url: https://api.17track.net/track/v2.4 (or v2.2). quota_pause: seconds to rest when a quota is used up."""

    access_key: Secret
    previous_access_key: Secret | None = None  #: pushes signed with it are accepted, while the key is changed
    quota_pause: float = Field(default=3600, gt=0)
