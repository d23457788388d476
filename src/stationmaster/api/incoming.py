"""Files that come in the body of a request, written to disk as they come: raw, or as a part of a form.

The rule that shapes this file: nothing is held in memory but a block, and a body that breaks off, dawdles or
is too large leaves nothing behind. A form may have one file, and short fields beside it.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from starlette.requests import ClientDisconnect

from stationmaster.api.problems import ApiError
from stationmaster.domain.errors import DomainError
from stationmaster.services.file_store import IncomingFile

__all__ = ["Form", "receive"]

MOST_FIELDS = 20
LONGEST_FIELD_BYTES = 16 * 1024
DISCARDED_BYTES = 16 * 1024 * 1024
"""How much of a body that is refused is taken in and thrown away, so that the answer about it can be read."""


@dataclass(slots=True)
class Form:
    """What came beside the bytes of the file."""

    file_name: str = ""
    fields: dict[str, str] = field(default_factory=dict)


async def receive(request: Request, incoming: IncomingFile, idle_s: float) -> Form:
    """Write the file in a request's body to `incoming`. Raises ApiError, TooLarge, Unavailable.

    The file is neither finished nor abandoned, but after TooLarge and Unavailable nothing is left of it.
    """
    body = _parts_of(request, idle_s)
    kind = _content_type(request)
    try:
        if kind.get_content_type() != "multipart/form-data":
            return await _receive_raw(body, request, incoming)
        return await _receive_form(body, str(kind.get_param("boundary", "")), incoming)
    except (ApiError, DomainError):
        await _discard(body)
        raise


async def _receive_raw(body: AsyncIterator[bytes], request: Request, incoming: IncomingFile) -> Form:
    async for part in body:
        await incoming.write(part)
    name = _header(request.headers.get("content-disposition", "")).get_filename() or ""
    return Form(file_name=name)


async def _receive_form(body: AsyncIterator[bytes], boundary: str, incoming: IncomingFile) -> Form:
    reader = _FormReader()
    try:
        parser = MultipartParser(boundary.encode("latin-1", "replace"), reader.callbacks())  # type: ignore[arg-type]  # the package's types want every callback
        async for part in body:
            parser.write(part)
            for block in reader.take():
                await incoming.write(block)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise ApiError(400, "malformed_form", "The body of the request is not a form that can be read.") from error
    if not reader.complete:
        raise ApiError(400, "malformed_form", "The form ends before it is complete.")
    if not reader.files:
        raise ApiError(400, "file_missing", "The form holds no file.")
    return Form(reader.file_name, reader.fields)


class _FormReader:
    """Gathers what a form's parser tells: fields, and the blocks of the one file."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.file_name = ""
        self.files = 0
        self.complete = False
        self._blocks: list[bytes] = []
        self._header_name = b""
        self._header_value = b""
        self._disposition = ""
        self._name = ""
        self._in_file = False
        self._value = b""

    def callbacks(self) -> dict[str, object]:
        """What the parser calls."""
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value_comes,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._part_ends,
            "on_end": self._ends,
        }

    def take(self) -> list[bytes]:
        """The bytes of the file that have come since."""
        blocks, self._blocks = self._blocks, []
        return blocks

    def _part_begins(self) -> None:
        self._disposition, self._value, self._in_file = "", b"", False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_value_comes(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        if len(self._header_value) > LONGEST_FIELD_BYTES:
            raise ApiError(400, "malformed_form", "A header in the form is too long.")

    def _header_ends(self) -> None:
        if self._header_name.strip().lower() == b"content-disposition":
            self._disposition = self._header_value.decode("utf-8", "replace")
        self._header_name = self._header_value = b""

    def _headers_end(self) -> None:
        told = _header(self._disposition)
        file_name = told.get_filename()
        self._name = str(told.get_param("name", "", "content-disposition"))
        self._in_file = file_name is not None
        if file_name is not None:
            self.files += 1
            self.file_name = file_name
            if self.files > 1:
                raise ApiError(400, "too_many_files", "The form holds more than one file.")
        elif len(self.fields) >= MOST_FIELDS:
            raise ApiError(400, "malformed_form", f"The form has more than {MOST_FIELDS} fields.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._blocks.append(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > LONGEST_FIELD_BYTES:
            raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "A field of the form is too long.")

    def _part_ends(self) -> None:
        if not self._in_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")

    def _ends(self) -> None:
        self.complete = True


async def _parts_of(request: Request, idle_s: float) -> AsyncIterator[bytes]:
    """The body as it comes; raises ApiError when the client leaves or lets us wait too long."""
    stream = request.stream().__aiter__()
    while True:
        try:
            async with asyncio.timeout(idle_s):
                part = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            words = f"Nothing of the body came for {idle_s:g} s."
            raise ApiError(408, "body_too_slow", words, {"Connection": "close"}) from None
        except ClientDisconnect:
            raise ApiError(400, "body_broken_off", "The client left before the body was complete.") from None
        if part:
            yield part


async def _discard(body: AsyncIterator[bytes]) -> None:
    """Take in some more: many clients read no answer before they have sent everything."""
    left = DISCARDED_BYTES
    try:
        async for part in body:
            left -= len(part)
            if left < 0:
                return
    except ApiError:
        return


def _content_type(request: Request) -> Message:
    message = Message()
    message["content-type"] = request.headers.get("content-type", "application/octet-stream")
    return message


def _header(disposition: str) -> Message:
    message = Message()
    if disposition:
        message["content-disposition"] = disposition.replace("\r", " ").replace("\n", " ")
    return message
