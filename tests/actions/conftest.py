"""A node for each test, on an SQLite file."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.node import Node, open_node


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A new SQLite database with all tables and nothing in them."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}"


@pytest.fixture
async def node(sqlite_url: str) -> AsyncIterator[Node]:
    """A node that runs."""
    async with open_node(sqlite_url) as running:
        yield running
