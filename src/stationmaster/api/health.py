"""Whether the node lives, whether it can work, and its figures."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from stationmaster.api.access import principal_of
from stationmaster.api.context import Context
from stationmaster.api.documents import problems
from stationmaster.api.problems import problem_response

router = APIRouter(tags=["Health"])

METRICS_TYPE = "text/plain; version=0.0.4"


@router.get("/healthz")
async def is_alive() -> dict[str, str]:
    """The process lives and its event loop turns."""
    return {"status": "ok"}


@router.get("/readyz", responses=problems(503))
async def is_ready(context: Context) -> Response:
    """Everything that is needed to serve stations works; if not, what does not."""
    found = await context.node.problems()
    if not found:
        return JSONResponse({"status": "ready"})
    detail = "; ".join(f"{part}: {words}" for part, words in found.items())
    return problem_response(503, "not_ready", f"{detail}.", details=dict(found))


@router.get("/metrics", response_class=PlainTextResponse, responses=problems(401, 403))
async def figures(request: Request, context: Context) -> Response:
    """Figures for Prometheus. Whether a key is needed is a setting."""
    if not context.settings.open_metrics:
        (await principal_of(request, context)).require("settings:read")
    return PlainTextResponse(context.node.metrics(), media_type=METRICS_TYPE)
