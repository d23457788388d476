"""What goes wrong, as a problem document (RFC 9457), and the one place where errors become one.

`code` is a stable word for programs, `detail` is a sentence for people, `errors` names the
fields. What is our own fault is logged with a correlation id, and only that id goes out.
"""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from stationmaster.api.words import fault
from stationmaster.bus import BusError, BusTimeout
from stationmaster.domain import errors as domain
from stationmaster.storage import BadCursor
from stationmaster.storage import errors as storage

__all__ = [
    "EVERYWHERE",
    "PROBLEM_TYPE",
    "ApiError",
    "FieldProblem",
    "NotCalledJson",
    "Problem",
    "internal_error",
    "problem_response",
    "register",
    "status_of",
]

log = structlog.get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"
_UNPROCESSABLE = 422
_JSON = "application/json"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
EVERYWHERE = "/{path:path}"
"""The route of the UI's page: it takes GET for every path, and at those of the API it finds nothing."""


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Where: a name, or a path such as `items.0.id`; `body` for the whole body.")
    code: str = Field(description="A stable word for programs.")
    message: str = Field(description="A sentence for people.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="`urn:stationmaster:problem:` and the code.")
    title: str = Field(description="The kind of problem; the same for all of a status.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="A stable word for programs.")
    detail: str = Field(description="What is wrong and what to do, for people.")
    errors: list[FieldProblem] | None = Field(default=None, description="The fields at fault.")
    details: dict[str, Any] | None = Field(default=None, description="More for programs.")
    correlation_id: str | None = Field(default=None, description="What to look for in the log of the node.")


class ApiError(Exception):
    """Something that only HTTP knows has gone wrong."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers


class NotCalledJson(ApiError):
    """A body has another type than JSON, or none: a form that another site has a browser post is no request of ours."""

    def __init__(self) -> None:
        detail = f"The body of the request is not called JSON: send it with the header `Content-Type: {_JSON}`."
        super().__init__(415, "not_called_json", detail, {"Accept": _JSON})


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldProblem] | None = None,
    details: dict[str, Any] | None = None,
    correlation_id: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The answer that carries a problem."""
    problem = Problem(
        type=f"urn:stationmaster:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        errors=list(errors) if errors else None,
        details=details or None,
        correlation_id=correlation_id,
    )
    return JSONResponse(problem.model_dump(exclude_none=True), status, headers, PROBLEM_TYPE)


def internal_error(error: BaseException, method: str, path: str) -> Response:
    """Log our own fault and say no more about it than where to look."""
    correlation_id = secrets.token_hex(8)
    log.error("api.internal_error", correlation_id=correlation_id, method=method, path=path, exc_info=error)
    return problem_response(
        500,
        "internal",
        f"This is a fault of the system and not of the request. The log has it under {correlation_id}.",
        correlation_id=correlation_id,
    )


_DOMAIN_STATUS: dict[type[domain.DomainError], int] = {
    domain.NotFound: 404,
    domain.Invalid: 422,
    domain.Conflict: 409,
    domain.Forbidden: 403,
    domain.Unauthenticated: 401,
    domain.Throttled: 429,
    domain.TooLarge: 413,
    domain.Unavailable: 503,
}


def status_of(error: domain.DomainError) -> int:
    """The HTTP status of an error of ours."""
    return next((_DOMAIN_STATUS[kind] for kind in type(error).__mro__ if kind in _DOMAIN_STATUS), 409)


async def _domain_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, domain.DomainError)  # noqa: S101 - registered for this class
    status = status_of(error)
    fields = [FieldProblem(field=each["field"], code=each["code"], message=each["detail"]) for each in error.fields]
    headers = {"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    if isinstance(error, domain.Throttled):
        headers = {"Retry-After": str(error.details["retry_after_s"])}
    return problem_response(
        status, error.code, error.message, errors=fields, details=error.details or None, headers=headers
    )


async def _storage_error(request: Request, error: Exception) -> Response:
    match error:
        case storage.Unavailable():
            log.warning("api.storage_unavailable", error=str(error))
            return problem_response(
                503, "storage_unavailable", "The database cannot be used at the moment.", headers={"Retry-After": "5"}
            )
        case storage.NotFound():
            return problem_response(404, "not_found", "There is no such thing.")
        case BadCursor():
            cursor = FieldProblem(field="cursor", code="cursor_invalid", message="is not one of this list")
            return problem_response(
                _UNPROCESSABLE, "cursor_invalid", "The cursor is not one of this list.", errors=[cursor]
            )
        case storage.Conflict():
            return problem_response(409, "exists", "There is one with this key already.")
        case storage.Refused():
            return problem_response(_UNPROCESSABLE, "refused_by_storage", "The database does not accept these values.")
    return internal_error(error, request.method, request.url.path)


async def _bus_error(_request: Request, error: Exception) -> Response:
    if isinstance(error, BusTimeout):
        return problem_response(504, "node_timeout", "The node that holds the station did not answer in time.")
    log.warning("api.bus_error", error=str(error))
    return problem_response(
        503, "bus_unavailable", "The nodes cannot reach each other at the moment.", headers={"Retry-After": "5"}
    )


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class
    return problem_response(error.status, error.code, error.detail, headers=error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    details = {
        400: ("malformed_json", "The body of the request is not JSON that can be read."),
        404: ("no_such_path", f"There is nothing at {request.url.path[:200]}."),
        405: ("method_not_allowed", f"{request.method} is not possible at {request.url.path[:200]}."),
    }
    code, detail = details.get(error.status_code, ("http_error", str(error.detail)))
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods_at(request)):
        headers["Allow"] = ", ".join(methods)
    return problem_response(error.status_code, code, detail, headers=headers)


def _methods_at(request: Request) -> list[str]:
    """The methods of all routes of a path: the one that found it knows only its own."""
    methods = []
    for method in _METHODS:
        scope = {"type": "http", "method": method, "path": request.scope["path"], "root_path": "", "headers": []}
        routes = (each for each in request.app.routes if getattr(each, "path", None) != EVERYWHERE)
        if any(route.matches(scope)[0] is Match.FULL for route in routes):
            methods.append(method)
    return methods


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    if isinstance(error.body, bytes):  # FastAPI leaves a body as it came when its type is not JSON
        return await _api_error(request, NotCalledJson())
    fields = [_field_problem(each) for each in error.errors()]
    detail = "; ".join(f"{field.field} {field.message}" for field in fields[:3])
    if more := len(fields[3:]):
        detail += f"; and {more} more"
    malformed = any(each["type"] == "json_invalid" for each in error.errors())
    return problem_response(
        400 if malformed else _UNPROCESSABLE,
        "malformed_json" if malformed else "invalid",
        f"{detail}.",
        errors=fields,
    )


def _field_problem(error: dict[str, Any]) -> FieldProblem:
    where = [str(part) for part in error["loc"]]
    if len(where) > 1 and where[0] in ("body", "query", "path", "header"):
        where = where[1:]
    if error["type"] == "json_invalid":
        where = ["body"]
    return FieldProblem(field=".".join(where), code=error["type"], message=fault(error))


Handler = Callable[[Request, Exception], Awaitable[Response]]


def register(app: FastAPI) -> None:
    """Have every error of `app` answered by a problem document."""
    handlers: dict[type[Exception], Handler] = {
        domain.DomainError: _domain_error,
        storage.StorageError: _storage_error,
        BusError: _bus_error,
        ApiError: _api_error,
        HTTPException: _http_error,
        RequestValidationError: _validation_error,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
