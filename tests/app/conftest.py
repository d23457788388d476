"""Fixtures that the tests of the wiring share, some of them of other folders."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from stationmaster.app.config import LogSettings
from stationmaster.app.logs import configure_logs
from tests.bus.conftest import link

__all__ = ["link"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, as JSON lines."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(LogSettings(format="json", level="debug"), stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()
