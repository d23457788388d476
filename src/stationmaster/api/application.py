"""The ASGI application: routers, borders and pages put together."""

from pathlib import Path

from fastapi import APIRouter, FastAPI

from stationmaster.api import (
    about,
    alert_recipients,
    alert_rules,
    alerts,
    api_keys,
    audit,
    authorization,
    availability,
    certificate_authorities,
    certificates,
    commands,
    configuration,
    configuration_templates,
    conformance,
    desired_configuration,
    events,
    file_door,
    files,
    firmware,
    firmware_campaigns,
    health,
    local_lists,
    messages,
    metering,
    oidc,
    organisations,
    overview,
    pages,
    provisioning,
    quirks,
    reports,
    reservations,
    security_jobs,
    session,
    site_load,
    sites,
    smart_charging,
    tidying,
    transactions,
    transfers,
    users,
    webhooks,
)
from stationmaster.api.audit_trail import AuditTrail
from stationmaster.api.context import ApiContext
from stationmaster.api.documents import openapi_of
from stationmaster.api.middleware import BodyLimit, ErrorBoundary, SecurityHeaders
from stationmaster.api.problems import register

__all__ = ["build_api", "prepare"]

DESCRIPTION = (
    "Everything that Stationmaster knows and can do. Programs send an API key with each request: "
    "`Authorization: Bearer KEY`. Browsers sign in, and send the session's `csrf_token` in the header `X-CSRF-Token` "
    "with whatever changes something. "
    "Errors are problem documents (RFC 9457) whose `code` is for programs and whose `detail` is for people."
)

ROUTERS: tuple[APIRouter, ...] = (
    provisioning.router,
    quirks.router,
    availability.router,
    configuration.router,
    desired_configuration.router,
    configuration_templates.router,
    commands.router,
    transfers.router,
    files.router,
    firmware.router,
    firmware_campaigns.router,
    authorization.router,
    transactions.router,
    metering.router,
    events.router,
    messages.router,
    reports.router,
    smart_charging.router,
    sites.router,
    site_load.router,
    reservations.router,
    local_lists.router,
    tidying.router,
    certificate_authorities.router,
    certificates.router,
    security_jobs.router,
    session.router,
    oidc.router,
    users.router,
    api_keys.router,
    organisations.router,
    alerts.router,
    alert_rules.router,
    alert_recipients.router,
    webhooks.router,
    audit.router,
    conformance.router,
    about.router,
    overview.router,
)
"""What lies under /api/v1, in the order of the documents."""


def build_api(context: ApiContext, ui_folder: Path = pages.UI_FOLDER) -> FastAPI:
    """The application that serves `context`."""
    app = FastAPI(
        title="Stationmaster",
        version=context.node.version,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    for router in ROUTERS:
        app.include_router(router, prefix="/api/v1")
    app.include_router(health.router)
    app.include_router(file_door.router)
    pages.register_pages(app, context, ui_folder)
    register(app)
    # The last one added is the outermost.
    app.add_middleware(AuditTrail, audit=context.services.audit)
    app.add_middleware(
        BodyLimit,
        limit_bytes=context.settings.body_limit_bytes,
        timeout_s=context.settings.body_timeout_s,
        streamed=(file_door.BRING, firmware.UPLOAD),
    )
    app.add_middleware(ErrorBoundary)
    app.add_middleware(SecurityHeaders, tile_url=context.settings.map_tile_url)
    app.openapi = lambda: openapi_of(app)  # type: ignore[method-assign]  # the way FastAPI documents
    return app


def prepare(app: FastAPI) -> None:
    """Have FastAPI build its routes now: at the first request, as it would, every station had to wait for that."""
    nowhere = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nowhere)
