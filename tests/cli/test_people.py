"""`stationmaster user` and `stationmaster audit`, each in a process of its own, beside a node that runs."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stationmaster.app.errors import StartError
from stationmaster.app.node import Node, running_node
from stationmaster.cli import app
from tests.api.conftest import client_of, settings_of
from tests.cli.test_cli import run

PASSWORD = "a good long password"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    settings = settings_of(tmp_path, f"sqlite:///{tmp_path / 'stationmaster.sqlite'}", database__migrate=True)
    async with running_node(settings) as node:
        yield node


def typed(folder: Path, *arguments: str) -> Any:
    return run(*arguments, "--data", str(folder), environment={"STATIONMASTER_SECURITY_PASSWORD_MEMORY_KIB": "64"})


def typed_in(folder: Path, line: str, *arguments: str) -> Any:
    """The same with a line on standard input."""
    command = [sys.executable, "-m", "stationmaster", *arguments, "--data", str(folder)]
    return subprocess.run(command, input=f"{line}\n", capture_output=True, text=True, check=True, timeout=60)


async def opens(node: Node, username: str, password: str) -> bool:
    async with client_of(node, None) as browser:
        body = {"username": username, "password": password, "totp_code": None}
        return (await browser.http.post("/api/v1/session", json=body)).status_code == 200


async def test_a_user_is_made_changed_and_kept_out(node: Node, tmp_path: Path) -> None:
    made = typed(tmp_path, "user", "create", "anna", "--role", "operator")
    assert made.returncode == 0, made.stderr
    password = made.stdout.strip()
    assert await opens(node, "anna", password)
    renewed = typed(tmp_path, "user", "set-password", "anna").stdout.strip()
    assert not await opens(node, "anna", password)
    assert await opens(node, "anna", renewed)
    assert typed(tmp_path, "user", "disable", "anna").returncode == 0
    assert not await opens(node, "anna", renewed)
    lines = [line.split() for line in typed(tmp_path, "user", "list").stdout.splitlines()]
    assert ["anna", "disabled", "operator", "password", "default"] in lines
    assert ["admin", "active", "admin", "password", "default"] in lines
    assert typed(tmp_path, "user", "enable", "anna").returncode == 0
    assert await opens(node, "anna", renewed)


async def test_a_password_comes_from_standard_input_and_is_not_printed(node: Node, tmp_path: Path) -> None:
    done = typed_in(tmp_path, PASSWORD, "user", "create", "ben", "--role", "viewer", "--password-stdin")
    assert PASSWORD not in done.stdout + done.stderr
    assert await opens(node, "ben", PASSWORD)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ("user disable nobody", "there is no user nobody"),
        ("user set-password nobody", "there is no user nobody"),
        ("user create anna --role viewer", "`anna` is taken"),
        ("user create x --role viewer --organisation nowhere", "no organisation nowhere"),
        ("user disable anna", "last administrator"),
        ("audit verify --expect nonsense", "ORGANISATION:LENGTH:HASH"),
    ],
)
def test_a_mistake_is_told_in_words(tmp_path: Path, sqlite_template: Path, arguments: str, words: str) -> None:
    shutil.copy(sqlite_template, tmp_path / "stationmaster.sqlite")
    environment = {"STATIONMASTER_SECURITY_PASSWORD_MEMORY_KIB": "64"}
    where = ["--data", str(tmp_path)]
    person = CliRunner(env=environment)
    assert person.invoke(app, ["user", "create", "anna", "--role", "admin", *where]).exit_code == 0
    mistaken = person.invoke(app, [*arguments.split(), *where])
    assert isinstance(mistaken.exception, StartError)  # `main` prints it as one line, with exit code 2
    assert words in str(mistaken.exception)


async def test_the_audit_log_is_proved_and_exported(node: Node, tmp_path: Path) -> None:
    async with client_of(node, node.first_key) as api:
        for number in range(5):
            await api.post("/tokens", {"id_tag": f"T{number}"})
    typed(tmp_path, "user", "create", "anna", "--role", "operator")
    proved = typed(tmp_path, "audit", "verify")
    assert proved.returncode == 0
    word, head = proved.stdout.split()
    assert word == "whole"
    assert head.startswith("default:6:")
    exported = typed(tmp_path, "audit", "export").stdout.splitlines()
    previous = "0" * 64
    for line in exported:
        entry = json.loads(line)
        stated = entry.pop("hash")
        assert entry["previous_hash"] == previous
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256(text.encode()).hexdigest()
        assert previous == stated
    assert head.endswith(previous)
    assert typed(tmp_path, "audit", "verify", "--expect", head).returncode == 0

    # Somebody with the database in hands takes the last entry away, and makes the head fit.
    with closing(sqlite3.connect(tmp_path / "stationmaster.sqlite")) as database, database:
        database.execute("DROP TRIGGER audit_entry_no_delete")
        database.execute("DELETE FROM audit_entry WHERE sequence = 6")
        database.execute("UPDATE audit_chain SET length = 5, hash = (SELECT hash FROM audit_entry WHERE sequence = 5)")
    assert typed(tmp_path, "audit", "verify").returncode == 0, "nothing in the database can show that"
    caught = typed(tmp_path, "audit", "verify", "--expect", head)
    assert caught.returncode == 1
    assert "entry 6: it was written down and is missing" in caught.stdout
    with closing(sqlite3.connect(tmp_path / "stationmaster.sqlite")) as database, database:
        database.execute("DROP TRIGGER audit_entry_no_update")
        database.execute("UPDATE audit_entry SET actor = 'user:somebody' WHERE sequence = 3")
    caught = typed(tmp_path, "audit", "verify")
    assert caught.returncode == 1
    assert caught.stdout.startswith("broken")
    assert "entry 3: its content does not have its hash" in caught.stdout
