"""The contracts of import-linter can fail: each breaks when an import that it forbids is planted in a bare tree."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LAYERS = [
    "cli",
    "app",
    "api",
    "gateway",
    "jobs",
    "conformance",
    "actions",
    "services",
    "storage",
    "bus",
    "session",
    "domain",
    "ocpp",
]
MODULES = [
    "storage/sqlite",
    "storage/postgres",
    "bus/memory",
    "bus/nats",
    "ocpp/v16",
    "domain/tokens",
    "domain/transactions",
]

DIRECTION = "Imports point down"
PURITY = "The core does no I/O and reads no clock"
VERSIONS = "Services, storage, bus, jobs and the API speak no OCPP version"
WIRING = "Only the wiring names a database or a broker"
CONFORMANCE = "The conformance kit knows the words and the conversation, nothing else of ours"
CYCLES = "No cycles between neighbours"

Lint = Callable[[dict[str, str]], set[str]]


@pytest.fixture
def lint(tmp_path: Path) -> Lint:
    """Lint a tree that has the layers and nothing in them but the given imports; answer with the broken contracts."""
    package = tmp_path / "src" / "stationmaster"
    for layer in LAYERS:
        (package / layer).mkdir(parents=True)
    for path in ["__init__", *(f"{layer}/__init__" for layer in LAYERS), *MODULES]:
        (package / f"{path}.py").touch()
    (package / "instants.py").write_text("import datetime\n")
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)

    def broken_by(imports: dict[str, str]) -> set[str]:
        for path, statement in imports.items():
            (package / f"{path}.py").write_text(f"{statement}\n")
        result = subprocess.run(
            [Path(sys.executable).parent / "lint-imports", "--no-cache"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "src"), "COLUMNS": "200", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = result.stdout.splitlines()
        assert any(line.startswith("Contracts: ") for line in lines), result.stdout + result.stderr
        return {line.partition(" BROKEN")[0] for line in lines if " BROKEN" in line}

    return broken_by


@pytest.mark.parametrize(
    "imports",
    [
        {},
        {"app/__init__": "import stationmaster.storage.postgres, stationmaster.storage.sqlite, stationmaster.bus.nats"},
        {"ocpp/v16": "import stationmaster.instants"},
        {"conformance/__init__": "import stationmaster.session, stationmaster.ocpp.v16, asyncio"},
        {"domain/tokens": "import stationmaster.domain.transactions"},
        {"gateway/__init__": "import stationmaster.actions, stationmaster.session, asyncio, time"},
    ],
    ids=lambda imports: next(iter(imports), "nothing"),
)
def test_what_is_allowed(lint: Lint, imports: dict[str, str]) -> None:
    assert lint(imports) == set()


@pytest.mark.parametrize(
    ("imports", "contract"),
    [
        ({"ocpp/v16": "import stationmaster.domain"}, DIRECTION),
        ({"instants": "import stationmaster.ocpp"}, DIRECTION),
        ({"services/__init__": "import stationmaster.api"}, DIRECTION),
        ({"api/__init__": "import stationmaster.gateway"}, DIRECTION),
        ({"domain/tokens": "import asyncio"}, PURITY),
        ({"ocpp/v16": "from datetime import datetime"}, PURITY),
        ({"session/__init__": "import time"}, PURITY),
        ({"api/__init__": "import stationmaster.ocpp"}, VERSIONS),
        ({"services/__init__": "import stationmaster.ocpp.v16"}, VERSIONS),
        ({"cli/__init__": "import stationmaster.storage.sqlite"}, WIRING),
        ({"gateway/__init__": "import stationmaster.bus.nats"}, WIRING),
        ({"conformance/__init__": "import stationmaster.domain"}, CONFORMANCE),
        (
            {
                "domain/tokens": "import stationmaster.domain.transactions",
                "domain/transactions": "import stationmaster.domain.tokens",
            },
            CYCLES,
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_what_breaks_a_contract(lint: Lint, imports: dict[str, str], contract: str) -> None:
    assert contract in lint(imports)


def test_a_layer_that_is_not_in_the_list(lint: Lint) -> None:
    assert DIRECTION in lint({"simulators": "import stationmaster.ocpp"})
