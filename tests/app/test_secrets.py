"""Secrets of the first start."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stationmaster.app.config import SecuritySettings
from stationmaster.app.errors import StartError
from stationmaster.app.node import running_node
from stationmaster.app.secrets import pepper_of
from tests.api.conftest import settings_of


def test_the_pepper_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = pepper_of(SecuritySettings(), tmp_path)
    assert len(first) >= 32
    assert pepper_of(SecuritySettings(), tmp_path) == first
    assert stat.S_IMODE((tmp_path / "pepper").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["pepper"], "nothing is left of its making"


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


def _everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())
