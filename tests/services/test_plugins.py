"""Plug-ins for vendors' messages are found in installed packages (handbook §3.2.3)."""

from pathlib import Path

import pytest

from stationmaster.services.data_transfer import installed_plugins
from tests.actions.line import connect
from tests.services.node import open_node

PLUGIN = """
from stationmaster.services.data_transfer import VendorAnswer


class Plugin:
    vendor_id = "de.volt"
    message_ids = None

    async def handle(self, message):
        return VendorAnswer("Accepted", message.message_id)


class Broken:
    def __init__(self):
        raise RuntimeError("no licence")
"""
ENTRY_POINTS = """
[stationmaster.data_transfer]
volt = volt_for_tests:Plugin
broken = volt_for_tests:Broken
gone = volt_for_tests:Gone
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package with one plug-in that works and two that do not."""
    site = tmp_path / "site"
    metadata = site / "volt_for_tests-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "volt_for_tests.py").write_text(PLUGIN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: volt-for-tests\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(site)


@pytest.mark.usefixtures("package")
async def test_a_plugin_of_an_installed_package_answers(sqlite_url: str) -> None:
    plugins = installed_plugins()
    assert [plugin.vendor_id for plugin in plugins] == ["de.volt"]
    async with open_node(sqlite_url, plugins=plugins) as node:
        line = await connect(node)
        assert await line.says("DataTransfer", vendorId="DE.VOLT", messageId="Hi") == {
            "status": "Accepted",
            "data": "Hi",
        }


def test_without_plugins_there_are_none() -> None:
    assert installed_plugins() == []
