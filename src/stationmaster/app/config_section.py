"""What all sections of the configuration are made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Days", "Port", "Seconds", "Section"]

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Days = Annotated[float, Field(gt=0, le=36500)]


class Section(BaseModel):
    """What all sections share: nothing is changed after the start, nothing unknown is accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)
