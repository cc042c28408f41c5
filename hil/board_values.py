"""What values of a board's file are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Whole = Annotated[int, Field(strict=True)]  # no text, no 'true'
Text = Annotated[str, Field(min_length=1)]


class Strict(BaseModel):
    """A mapping of the file, whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
