"""Lists: page by page as JSON, or from here to the end as CSV.

CSV is opened by spreadsheets, which run what begins with `=`, `+`, `-` or `@`; such a cell gets an
apostrophe in front, unless it is a plain number.
"""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal, Protocol

from fastapi import Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from stationmaster.api.documents import PROBLEMS
from stationmaster.api.values import Filters, Listed
from stationmaster.storage import Page

__all__ = ["LISTED", "WantedFormat", "WholeFormat", "cell", "listing", "whole"]

CSV_TYPE = "text/csv"
EXPORT_LIMIT = 1_000_000
EXPORT_PAGE = 1_000
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")

LISTED: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    200: {"description": "The list.", "content": {CSV_TYPE: {"schema": {"type": "string"}}}},
}
"""The `responses` of a list."""


class Find(Protocol):
    """Asks storage for a page."""

    def __call__(self, *, limit: int, cursor: str | None) -> Awaitable[Page[Any]]:
        """The page behind `cursor`."""


class Format:
    """Whether the asker wants CSV, by header."""

    def __init__(self, request: Request) -> None:
        accepted = request.headers.get("accept", "")
        self.csv = accepted.split(";")[0].split(",")[0].strip().lower() == CSV_TYPE


WantedFormat = Annotated[Format, Depends(Format)]


class ShortListFormat:
    """The same for a list that is short and comes whole, without filters."""

    def __init__(
        self,
        wanted: Annotated[Format, Depends(Format)],
        format: Annotated[
            Literal["json", "csv"] | None, Query(description="`csv` (or `Accept: text/csv`) gives a table.")
        ] = None,
    ) -> None:
        self.csv = format == "csv" or (wanted.csv and format is None)


WholeFormat = Annotated[ShortListFormat, Depends(ShortListFormat)]


def whole(wanted: ShortListFormat, views: Sequence[BaseModel], name: str) -> Listed[Any] | Response:
    """A list that is not paged, or the file `name`.csv."""
    if not wanted.csv:
        return Listed(items=list(views), next_cursor=None)
    records = [view.model_dump(mode="json") for view in views]
    columns = list(records[0]) if records else []
    rows = [[cell(record.get(column)) for column in columns] for record in records]
    return Response(_lines([columns, *rows]), media_type=CSV_TYPE, headers=_as_file(name))


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}.csv"'}


async def listing(
    filters: Filters, wanted: Format, find: Find, view: Callable[[Any], BaseModel], name: str
) -> Listed[Any] | Response:
    """The page that `filters` ask for, or the whole list as the file `name`.csv."""
    if filters.format != "csv" and not (wanted.csv and filters.format is None):
        page = await find(limit=filters.limit, cursor=filters.cursor)
        return Listed(items=[view(item) for item in page.items], next_cursor=page.next_cursor)
    first = await find(limit=EXPORT_PAGE, cursor=filters.cursor)
    return StreamingResponse(
        _as_csv(first, find, view),
        media_type=CSV_TYPE,
        headers=_as_file(name),
    )


async def _as_csv(page: Page[Any], find: Find, view: Callable[[Any], BaseModel]) -> AsyncIterator[str]:
    columns: list[str] | None = None
    rows = 0
    while True:
        records = [view(item).model_dump(mode="json") for item in page.items]
        if columns is None:
            columns = list(records[0]) if records else []
            yield _lines([columns])
        yield _lines([[cell(record.get(column)) for column in columns] for record in records])
        rows += len(records)
        if page.next_cursor is None or rows >= EXPORT_LIMIT:
            return
        page = await find(limit=EXPORT_PAGE, cursor=page.next_cursor)


def cell(value: Any) -> str:
    """A value as a cell that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    if text.startswith(_RISKY) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _lines(rows: Sequence[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
