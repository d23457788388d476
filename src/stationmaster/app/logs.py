"""What the node writes about itself: lines for people or JSON, and nothing secret in either.

Every line passes `redact`, whoever wrote it: our own modules through structlog, libraries through
the standard `logging`.
"""

import logging
import sys
from hashlib import blake2b
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from stationmaster.app.config import LogSettings
from stationmaster.domain.redaction import redacted

__all__ = ["configure_logs", "redact"]

_TOKEN_NAMES = frozenset({"id_tag", "idTag", "parent_id_tag", "parentIdTag", "token_value"})


def configure_logs(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send everything that is logged in this process to `stream` (standard error)."""
    stream = stream or sys.stderr
    as_json = settings.format == "json" or (settings.format == "auto" and not stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Processor] = (
        [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if as_json
        else [
            structlog.processors.format_exc_info,
            redact,
            structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    level = getattr(logging, settings.level.upper())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # The last two write whole URLs and headers, of webhooks and OpenID providers for instance.
    for chatty in ("uvicorn.error", "websockets", "asyncio", "alembic", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide what is secret by its name or by its look; tokens of drivers become a short hash."""
    return {name: redacted(name, value, _as_tag) for name, value in event.items()}


def _as_tag(name: str, value: Any) -> str | None:
    if name not in _TOKEN_NAMES:
        return None
    return f"tag:{blake2b(str(value).encode(errors='replace'), digest_size=4).hexdigest()}"
