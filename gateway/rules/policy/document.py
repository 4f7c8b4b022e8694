"""What every policy document is: strict about unknown fields, frozen once read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
