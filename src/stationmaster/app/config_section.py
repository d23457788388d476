"""What all sections of the configuration are made of."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core.core_schema import ValidationInfo

__all__ = ["Days", "Port", "Seconds", "Section"]

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Days = Annotated[float, Field(gt=0, le=36500)]


class Section(BaseModel):
    """What all sections share: nothing is changed after the start, nothing unknown is accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_truth(cls, value: Any, info: ValidationInfo) -> Any:
        """`true` is 1 to Python; to whoever wrote it, it is no number."""
        if isinstance(value, bool) and "bool" not in str(cls.model_fields[info.field_name or ""].annotation):
            raise ValueError("true and false are no value of this setting")
        return value
