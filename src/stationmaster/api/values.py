"""The values that the API takes and gives: times, texts, pages.

Times go out as ISO 8601 in UTC with three digits and come in as any ISO 8601 text. Texts have a
longest length and no control characters, for no database needs to see what no person typed.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from stationmaster.instants import format_instant, parse_instant
from stationmaster.storage.paging import DEFAULT_LIMIT, MAX_LIMIT

__all__ = ["Body", "Filters", "Id", "InstantIn", "Listed", "LongId", "Moment", "Text", "View"]

_DATE_TIME = {"type": "string", "format": "date-time"}


def _write_moment(value: Any) -> Any:
    return format_instant(value) if isinstance(value, int) else value


def _read_instant(value: Any) -> int:
    if isinstance(value, str):
        try:
            return parse_instant(value)
        except ValueError:
            pass
    raise PydanticCustomError("instant", "no point in time")


Moment = Annotated[str, BeforeValidator(_write_moment), WithJsonSchema(_DATE_TIME)]
"""A time in an answer, made of an Instant."""

LongId = Annotated[str, BeforeValidator(str)]
"""A number of ours in an answer, as text: it does not fit the numbers of JavaScript."""

InstantIn = Annotated[int, BeforeValidator(_read_instant), WithJsonSchema(_DATE_TIME)]
"""A time in a request, as an Instant."""

Text = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A short text in a request."""

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
"""A number of ours in a path."""


class Filters(BaseModel):
    """What a list can be narrowed by; a parameter that the list does not know is refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="How many items at most.")
    cursor: str | None = Field(
        default=None, max_length=500, description="`next_cursor` of the page before; none for the first page."
    )
    format: Literal["json", "csv"] | None = Field(
        default=None, description="`csv` (or `Accept: text/csv`) gives the whole list from here on as a table."
    )

    def wanted(self, *without: str) -> dict[str, Any]:
        """The filters themselves, for the query."""
        return self.model_dump(exclude={"limit", "cursor", "format", *without})


class View(BaseModel):
    """What the API tells of something; made with `model_validate(noun)`."""

    model_config = ConfigDict(from_attributes=True)


class Body(BaseModel):
    """What the API takes: nothing that is not asked for, no infinite numbers, no text for a number."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


Item = TypeVar("Item")


class Listed(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Give it as `cursor` to get the next page; null on the last one.")
