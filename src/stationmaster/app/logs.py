"""What the node writes about itself: lines for people or JSON, and nothing secret in either.

Every line passes `redact`, whoever wrote it: our own modules through structlog, libraries through
the standard `logging`.
"""

import logging
import re
import sys
from hashlib import blake2b
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from stationmaster.app.config import LogSettings

__all__ = ["configure_logs", "redact"]

HIDDEN = "********"
_SECRET_NAMES = re.compile(
    r"password|passwd|secret|pepper|authori[sz]ation|authorization_?key|api_?key|cookie|credential|private_?key",
    re.IGNORECASE,
)
_TOKEN_NAMES = frozenset({"id_tag", "idTag", "parent_id_tag", "parentIdTag", "token_value"})
_SECRETS_IN_TEXT = (
    (re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=_.~-]{4,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\bsm_[A-Za-z0-9_-]{16,}"), HIDDEN),
    (re.compile(r"(?<=://)[^/\s@\"']+@"), f"{HIDDEN}@"),
    (re.compile(r"(?i)(\"?(?:password|authorizationkey|secret)\"?\s*[:=]\s*\"?)[^\"\s,}]+"), rf"\1{HIDDEN}"),
)
_DEEPEST = 6


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
    for chatty in ("uvicorn.error", "websockets", "asyncio", "alembic"):
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
    return {name: _redacted(name, value, 0) for name, value in event.items()}


def _redacted(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAMES.search(name):
        return HIDDEN
    if name in _TOKEN_NAMES:
        return f"tag:{blake2b(str(value).encode(errors='replace'), digest_size=4).hexdigest()}"
    if isinstance(value, str):
        return _without_secrets(value)
    if depth >= _DEEPEST:
        return "..."
    if isinstance(value, dict):
        return {str(key): _redacted(str(key), each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted("", each, depth + 1) for each in value]
    return _without_secrets(str(value))


def _without_secrets(text: str) -> str:
    for pattern, replacement in _SECRETS_IN_TEXT:
        text = pattern.sub(replacement, text)
    return text
