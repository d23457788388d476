"""What the OpenAPI document says of every operation, and the document itself."""

from typing import Annotated, Any

from fastapi import FastAPI, Path
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from stationmaster.api.problems import PROBLEM_TYPE, FieldProblem, Problem

__all__ = ["PROBLEMS", "StationId", "openapi_of", "problems"]

_DESCRIPTIONS = {
    400: "The request cannot be read.",
    401: "Nobody is signed in, and no valid API key was sent.",
    403: "Whoever asks may not do this.",
    404: "There is no such thing.",
    408: "The body of the request came too slowly.",
    409: "The present state forbids it.",
    416: "There is no such part of the file, or several were asked for.",
    413: "The body of the request is too long.",
    415: "The body of the request is not called `application/json`.",
    429: "Too many attempts; the header Retry-After says how long to wait.",
    422: "A value is not allowed.",
    500: "A fault of the system; the log has it under the correlation id.",
    503: "A part of the system cannot be used at the moment.",
    504: "The node that holds the station did not answer.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that may answer with problems of these statuses."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": _DESCRIPTIONS[status], "content": {PROBLEM_TYPE: {"schema": schema}}}
        for status in statuses
    }


PROBLEMS = problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 500, 503)

StationId = Annotated[
    str,
    Path(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$", description="The identity of a station."),
]


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `app`, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        _, own = models_json_schema(
            [(Problem, "serialization"), (FieldProblem, "serialization")], ref_template="#/components/schemas/{model}"
        )
        schemas.update(own["$defs"])
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        components["securitySchemes"] = {
            "api_key": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "stationmaster_session"},
            "csrf_token": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
        }
        app.openapi_schema = document
    return app.openapi_schema
