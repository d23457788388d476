"""Files that are too large, and disks that are full: refused in words, with nothing left behind."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.api.conftest import Client, NodeThread, client_of, connected, settings_of
from tests.api.test_files import diagnostics, files_of, on_disk, stranger

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def small(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeThread]:
    """A node that takes files of at most one MiB."""
    data = tmp_path_factory.mktemp("small")
    file = shutil.copy(sqlite_template, data)
    limits = {"files__upload_limit_mib": 1, "files__firmware_limit_mib": 1, "files__base_url": "https://csms.example"}
    running = NodeThread(settings_of(data, f"sqlite:///{file}", **limits))
    yield running
    running.stop()


@pytest.fixture
async def api(small: NodeThread) -> AsyncIterator[Client]:
    _, key = small.new_organisation()
    async with client_of(small.node, key) as client:
        yield client


async def here(location: str, api: Client) -> str:
    """The address by which this test reaches what stations reach from outside."""
    assert location.startswith("https://csms.example/files/put/")
    return location.replace("https://csms.example", f"http://127.0.0.1:{api.node.http_port}")


@pytest.mark.parametrize("shape", ["raw", "chunked", "form"])
async def test_a_file_over_the_cap_is_413_and_leaves_nothing(api: Client, shape: str) -> None:
    content = b"x" * (MIB + 1)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65_536):
            yield content[start : start + 65_536]

    async with connected(api) as station, stranger() as http:
        location, job = await diagnostics(api, station)
        where, before = await here(location, api), on_disk(api)
        if shape == "form":
            answer = await http.post(where, files={"file": ("a.log", content)})
        else:
            answer = await http.put(where, content=content if shape == "raw" else chunks())
        assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
        assert on_disk(api) == before
        assert await files_of(api, job) == []
        # One that fits is taken: the address was not used up.
        assert (await http.put(where, content=content[:-1])).status_code == 201


async def test_an_image_over_the_cap_is_413_and_leaves_nothing(api: Client) -> None:
    before = on_disk(api)
    await api.problem(
        "POST", "/firmware/upload", 413, "file_too_large", content=b"x" * (MIB + 1), params={"version": "1"}
    )
    assert on_disk(api) == before


async def test_no_file_takes_the_last_of_the_disk(sqlite_template: Path, tmp_path: Path) -> None:
    """What must stay free is more than there is, so the disk counts as full; the database goes on."""
    file = shutil.copy(sqlite_template, tmp_path)
    free_mib = shutil.disk_usage(tmp_path).free // MIB
    running = NodeThread(settings_of(tmp_path, f"sqlite:///{file}", files__keep_free_mib=free_mib * 2))
    try:
        _, key = running.new_organisation()
        async with client_of(running.node, key) as api:
            await api.problem("POST", "/firmware/upload", 503, "disk_full", content=b"x", params={"version": "1"})
            async with connected(api) as station, stranger() as http:
                location, _ = await diagnostics(api, station)
                answer = await http.put(location, content=b"x")
                assert (answer.status_code, answer.json()["code"]) == (503, "disk_full")
                assert answer.headers["retry-after"]
                assert on_disk(api) == []
                assert await station.call("Heartbeat", {})
    finally:
        running.stop()
