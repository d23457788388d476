"""Secrets of the first start."""

import asyncio
import shutil
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stationmaster.app.config import SecuritySettings
from stationmaster.app.errors import StartError
from stationmaster.app.node import running_node
from stationmaster.app.secrets import check_pepper, first_secret, pepper_of
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.services.secrets import SecretKeeper
from stationmaster.services.sessions import Caller
from tests.api.conftest import settings_of
from tests.services.node import Node, open_node


@pytest.fixture
async def node(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Node]:
    async with open_node(f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}") as running:
        yield running


def test_the_pepper_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = pepper_of(SecuritySettings(), tmp_path)
    assert len(first) >= 32
    assert pepper_of(SecuritySettings(), tmp_path) == first
    assert stat.S_IMODE((tmp_path / "pepper").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["pepper"], "nothing is left of its making"


async def test_a_database_of_another_pepper_is_told_and_opened_only_by_who_has_lost_it(node: Node) -> None:
    mine, other, settings = node.context.secrets, SecretKeeper(b"another pepper, another"), SecuritySettings()
    await check_pepper(node.storage, other, settings)  # nothing is sealed yet
    await node.services.authorities.ensure(DEFAULT_ORGANISATION_ID)
    await check_pepper(node.storage, mine, settings)
    with pytest.raises(StartError, match="made with another pepper"):
        await check_pepper(node.storage, other, settings)
    await check_pepper(node.storage, other, SecuritySettings(pepper_lost=True))


def test_two_nodes_that_start_at_once_have_the_same_pepper(tmp_path: Path) -> None:
    command = (
        "from pathlib import Path; from stationmaster.app.secrets import pepper_of; "
        "from stationmaster.app.config import SecuritySettings; "
        f"print(pepper_of(SecuritySettings(), Path({str(tmp_path)!r})).decode())"
    )
    nodes = [subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({node.communicate()[0] for node in nodes}) == 1


def test_a_setting_wins_over_the_file(tmp_path: Path) -> None:
    settings = SecuritySettings.model_validate({"pepper": "a pepper of some length"})
    assert pepper_of(settings, tmp_path) == b"a pepper of some length"
    assert list(tmp_path.iterdir()) == []


def test_a_pepper_file_that_is_none_is_not_replaced(tmp_path: Path) -> None:
    """A new one would lock every station out."""
    (tmp_path / "pepper").write_text("")
    with pytest.raises(StartError, match="restore it from a backup"):
        pepper_of(SecuritySettings(), tmp_path)
    (tmp_path / "pepper").unlink()
    (tmp_path / "pepper").mkdir()
    with pytest.raises(StartError, match="cannot use the secret file"):
        pepper_of(SecuritySettings(), tmp_path)


async def test_the_first_key_is_made_on_the_very_first_start_only(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, f"sqlite:///{tmp_path / 'x.sqlite'}", database__migrate=True)
    async with running_node(settings) as node:
        key = node.first_key
        assert key is not None
        assert key.startswith("sm_")
        found = await node.services.api_keys.find(key)
        assert found is not None
        assert found.role == "admin"
        await node.services.api_keys.revoke("default", found.id)
    async with running_node(settings) as node:
        assert node.first_key is None, "a key that was revoked was a key"
    assert key.encode() not in _everything_in(tmp_path), "only its hash is kept"


async def test_nodes_that_start_at_once_tell_one_secret(node: Node) -> None:
    arguments = node.storage, node.services.people.organisations
    secrets = await asyncio.gather(*(first_secret(*arguments) for _ in range(3)))
    (told,) = [secret for secret in secrets if secret is not None]
    assert await node.services.api_keys.find(told) is not None
    signed_in = await node.services.people.sign_in.with_password("admin", told, None, Caller("192.0.2.1"))
    assert signed_in.user.role == "admin"
    keys = (await node.storage.api_keys.find()).items
    assert [key.id for key in keys if key.revoked_at is None] == [(await node.services.api_keys.find(told)).id]  # type: ignore[union-attr]  # it was found above
    assert await first_secret(*arguments) is None


async def test_whoever_comes_from_a_provider_must_belong_somewhere(tmp_path: Path) -> None:
    provider = {"oidc__issuer": "http://127.0.0.1:9", "oidc__client_id": "us", "oidc__organisation": "nowhere"}
    settings = settings_of(tmp_path, f"sqlite:///{tmp_path / 'x.sqlite'}", database__migrate=True, **provider)
    with pytest.raises(StartError, match="no organisation nowhere"):
        async with running_node(settings):
            pass


def _everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())
