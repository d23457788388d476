"""Files really travel over HTTP: fetched whole, in parts and anew; brought raw, as forms, under any name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from stationmaster.app.node import clock
from stationmaster.conformance.station import ScriptedStation
from stationmaster.storage.programs import execute
from stationmaster.storage.tables import file_pass
from tests.api.conftest import Client, NodeThread, connected, eventually, with_role

IMAGE = bytes(range(256)) * 3000


async def image(api: Client, content: bytes = IMAGE, **said: Any) -> Any:
    """An image in the library."""
    return await api.ask(
        "POST", "/firmware/upload", 201, content=content, params={"version": "2.0", "file_name": "fw 2.0.bin", **said}
    )


@asynccontextmanager
async def stranger() -> AsyncIterator[httpx.AsyncClient]:
    """What a station uses to fetch and to bring: it has no key."""
    async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
        yield client


async def ordered(
    api: Client, station: ScriptedStation, action: str, path: str, answer: dict[str, Any], body: dict[str, Any]
) -> tuple[dict[str, Any], Any]:
    """An operator orders a transfer and the station agrees: what it was told, and the job."""
    order = asyncio.create_task(api.post(f"/stations/{station.identity}/{path}", body, 200))
    request = await station.obey(action, answer)
    return request.payload, await order


async def update(api: Client, station: ScriptedStation, **body: Any) -> tuple[str, Any]:
    payload, job = await ordered(api, station, "UpdateFirmware", "firmware-updates", {}, body)
    return str(payload["location"]), job


async def diagnostics(api: Client, station: ScriptedStation, **body: Any) -> tuple[str, Any]:
    payload, job = await ordered(api, station, "GetDiagnostics", "diagnostics", {"fileName": "d.log"}, body)
    return str(payload["location"]), job


async def files_of(api: Client, job: Any) -> list[Any]:
    items: list[Any] = (await api.get(f"/jobs/{job['id']}/files"))["items"]
    return items


def on_disk(api: Client) -> list[Path]:
    return sorted(path for path in api.node.services.files.settings.folder.rglob("*") if path.is_file())


async def test_a_station_fetches_an_image_and_its_address_is_used_up(api: Client) -> None:
    made = await image(api)
    assert made["sha256"] == sha256(IMAGE).hexdigest()
    assert made["name"] == "fw 2.0.bin"
    async with connected(api) as station, stranger() as http:
        location, _ = await update(api, station, firmware_id=made["id"], retries=0)
        head = await http.head(location)
        assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(IMAGE)), b"")
        fetched = await http.get(location)
        assert fetched.content == IMAGE
        assert fetched.headers["etag"] == f'"{made["sha256"]}"'
        assert await eventually(lambda: gone(http, location))


async def gone(http: httpx.AsyncClient, location: str) -> bool:
    answer = await http.head(location)
    return answer.status_code == 404


async def test_a_transfer_that_broke_off_goes_on_where_it_was(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station, stranger() as http:
        location, _ = await update(api, station, firmware_id=made["id"], retries=0)
        half = len(IMAGE) // 2
        first = await http.get(location, headers={"Range": f"bytes=0-{half - 1}"})
        assert (first.status_code, first.headers["content-range"]) == (206, f"bytes 0-{half - 1}/{len(IMAGE)}")
        # A part that was fetched before counts once.
        assert (await http.get(location, headers={"Range": "bytes=100-199"})).content == IMAGE[100:200]
        rest = await http.get(location, headers={"Range": f"bytes={half}-", "If-Range": first.headers["etag"]})
        assert first.content + rest.content == IMAGE
        assert await eventually(lambda: gone(http, location))


async def test_ranges_that_cannot_be_served_say_so(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station, stranger() as http:
        location, _ = await update(api, station, firmware_id=made["id"])
        for wanted in ("bytes=0-1,5-6", f"bytes={len(IMAGE)}-", "bytes=5-2", "bytes=-0", "bytes=-", "lines=1-2"):
            answer = await http.get(location, headers={"Range": wanted})
            assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(IMAGE)}"), wanted
        assert (await http.get(location, headers={"Range": "bytes=-3"})).content == IMAGE[-3:]
        other = await http.get(location, headers={"Range": "bytes=0-2", "If-Range": '"another"'})
        assert (other.status_code, len(other.content)) == (200, len(IMAGE))


async def test_an_image_may_be_fetched_once_more_for_each_retry(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station, stranger() as http:
        location, _ = await update(api, station, firmware_id=made["id"], retries=1)
        for _ in range(2):
            assert (await http.get(location)).content == IMAGE
        assert await eventually(lambda: gone(http, location))


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("ending", ["d.log", "", "/d.log", "x/y/d.log", "%2e%2e%2fd.log", "a\\b\\d.log"])
async def test_a_station_brings_diagnostics_under_any_name(api: Client, method: str, ending: str) -> None:
    content = b"log line\n" * 50_000
    async with connected(api) as station, stranger() as http:
        location, job = await diagnostics(api, station)
        where = location + ending if ending else location.rstrip("/")
        assert (await http.request(method, where, content=content)).status_code == 201
        [stored] = await files_of(api, job)
        assert stored["name"] == ("d.log" if ending else f"diagnostics-{station.identity}")
        assert stored["sha256"] == sha256(content).hexdigest()
        assert stored["station_id"] == station.identity
        fetched = await api.http.get(f"/api/v1/files/{stored['id']}/content")
        assert fetched.content == content
        assert fetched.headers["content-disposition"].startswith("attachment")
        assert (await http.request(method, where, content=content)).status_code == 404
        await station.call("DiagnosticsStatusNotification", {"status": "Uploading"})
        await station.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
        done = await api.get(f"/jobs/{job['id']}")
        assert (done["state"], done["result"]) == ("done", "Uploaded")


async def test_a_station_brings_a_form(api: Client) -> None:
    content = bytes(range(256)) * 2000
    async with connected(api) as station, stranger() as http:
        location, job = await diagnostics(api, station)
        form = {"file": ("../secret/d.zip", content, "application/zip")}
        assert (await http.post(location, files=form, data={"note": "x"})).status_code == 201
        [stored] = await files_of(api, job)
        assert (stored["name"], stored["sha256"]) == ("d.zip", sha256(content).hexdigest())


@pytest.mark.parametrize(
    "kind, body",
    [
        ("multipart/form-data; boundary=x", b"nothing of the kind"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n1'),
        ("multipart/form-data", b"--x--"),
    ],
)
async def test_a_broken_form_leaves_nothing_and_may_be_tried_again(api: Client, kind: str, body: bytes) -> None:
    async with connected(api) as station, stranger() as http:
        location, job = await diagnostics(api, station)
        before = on_disk(api)
        answer = await http.post(location, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 400
        assert on_disk(api) == before
        assert (await http.put(location, content=b"better")).status_code == 201
        assert len(await files_of(api, job)) == 1


async def test_a_body_that_breaks_off_leaves_nothing(api: Client) -> None:
    async with connected(api) as station, stranger() as http:
        location, job = await diagnostics(api, station)
        before = on_disk(api)
        url = httpx.URL(location)
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(f"PUT {url.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n".encode() + b"x" * 300_000)
        await writer.drain()
        assert await eventually(lambda: partial(api))
        writer.close()
        assert await eventually(lambda: same(api, before))
        assert await files_of(api, job) == []
        assert (await http.put(location, content=b"whole")).status_code == 201


async def partial(api: Client) -> bool:
    return any(path.suffix == ".part" for path in on_disk(api))


async def same(api: Client, before: list[Path]) -> bool:
    return on_disk(api) == before


async def test_what_is_wrong_with_an_address_is_not_told(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station, stranger() as http:
        fetch, _ = await update(api, station, firmware_id=made["id"])
        bring, job = await diagnostics(api, station)
        root = f"http://127.0.0.1:{api.node.http_port}/files"
        answers = [
            await http.get(f"{root}/get/{'a' * 32}"),
            await http.get(f"{root}/get/..%2f..%2fpepper"),
            await http.get(f"{root}/get/{'%00' * 8}"),
            await http.get(bring.replace("/put/", "/get/")),
            await http.put(fetch.replace("/get/", "/put/"), content=b"x"),
            await http.put(f"{root}/put/{'a' * 32}/x", content=b"x"),
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.json()["detail"] for answer in answers}) == 1
        # The job is over: its address is gone, whether it was used or not.
        await station.call("DiagnosticsStatusNotification", {"status": "UploadFailed"})
        assert (await http.put(bring, content=b"x")).status_code == 404
        assert (await api.get(f"/jobs/{job['id']}"))["result"] == "UploadFailed"


async def expire(api: Client, node_thread: NodeThread, station: ScriptedStation) -> None:
    """The time of every pass of a station is over."""
    passes = sa.update(file_pass).where(file_pass.c.station_id == station.identity)
    await asyncio.to_thread(node_thread.do, api.node.storage.write(execute, passes.values(expires_at=clock())))


async def test_an_address_expires_before_its_job_is_over(api: Client, node_thread: NodeThread) -> None:
    made = await image(api)
    async with connected(api) as station, stranger() as http:
        fetch, _ = await update(api, station, firmware_id=made["id"])
        bring, job = await diagnostics(api, station)
        assert (await http.head(fetch)).status_code == 200
        before = on_disk(api)
        await expire(api, node_thread, station)
        assert (await http.get(fetch)).status_code == 404
        assert (await http.put(bring, content=b"x")).status_code == 404
        assert on_disk(api) == before
        assert (await api.get(f"/jobs/{job['id']}"))["state"] == "waiting"


async def test_ftp_that_is_off_is_not_promised(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station:
        wish = {"firmware_id": made["id"], "transfer": "ftp"}
        await api.problem("POST", f"/stations/{station.identity}/firmware-updates", 409, "ftp_off", json=wish)
        await station.silence(0.1)


async def test_the_secret_in_an_address_is_shown_to_nobody(api: Client) -> None:
    made = await image(api)
    async with connected(api) as station:
        location, job = await update(api, station, firmware_id=made["id"])
        secret = location.split("/files/get/")[1].split("/")[0]
        assert len(secret) >= 32
        assert job["payload"]["location"].endswith("/files/get/***/fw%202.0.bin")
        await eventually(lambda: logged(api, station.identity))
        for path in ("/jobs", f"/jobs/{job['id']}", f"/messages?station_id={station.identity}"):
            answer = await api.http.get(f"/api/v1{path}")
            assert answer.status_code == 200, answer.text
            assert secret not in answer.text, path


async def logged(api: Client, station_id: str) -> bool:
    answer = await api.http.get(f"/api/v1/messages?station_id={station_id}")
    return "UpdateFirmware" in answer.text


async def test_nothing_is_left_of_an_order_to_a_station_that_is_away(api: Client, node_thread: NodeThread) -> None:
    made = await image(api)
    identity = await api.station()
    await api.problem("POST", f"/stations/{identity}/diagnostics", 409, "station_offline", json={})
    update_path = f"/stations/{identity}/firmware-updates"
    await api.problem("POST", update_path, 409, "station_offline", json={"firmware_id": made["id"]})
    passes = sa.select(sa.func.count()).where(file_pass.c.station_id == identity)
    [row] = await asyncio.to_thread(node_thread.do, api.node.storage.read(passes))
    assert row[0] == 0


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "javascript:alert(1)", "sftp://h/x", "http:///x", "http://h:x/", "ftp", "http://a b/", ""],
)
async def test_a_location_that_no_station_can_use_is_refused(api: Client, location: str) -> None:
    identity = await api.station()
    for path in ("firmware-updates", "diagnostics"):
        await api.problem("POST", f"/stations/{identity}/{path}", 422, "location_invalid", json={"location": location})


async def test_a_location_of_somebody_elses_is_handed_on_as_it_is(api: Client) -> None:
    async with connected(api) as station:
        location, job = await update(api, station, location="ftps://me:secret@files.example:2121/fw.bin?x=1")
        assert location == "ftps://me:secret@files.example:2121/fw.bin?x=1"
        assert "secret" not in str(job["payload"])
        assert job["warnings"] == []


async def test_files_are_seen_and_removed_by_those_who_may(api: Client, node_thread: Any) -> None:
    async with connected(api) as station, stranger() as http:
        location, job = await diagnostics(api, station)
        await http.put(f"{location}d.log", content=b"x")
        [stored] = await files_of(api, job)
        path = f"/files/{stored['id']}"
        assert [each["id"] for each in (await api.get("/files", station_id=station.identity))["items"]] == [
            stored["id"]
        ]
        _, key = node_thread.new_organisation()
        async with httpx.AsyncClient(base_url=str(api.http.base_url), trust_env=False) as foreign:
            foreign.headers["Authorization"] = f"Bearer {key}"
            for each in (path, f"{path}/content", f"/jobs/{job['id']}/files"):
                assert (await foreign.get(f"/api/v1{each}")).status_code == 404
            assert (await foreign.delete(f"/api/v1{path}")).status_code == 404
        async with with_role(api, "viewer") as viewer:
            assert (await viewer.http.get(f"/api/v1{path}/content")).content == b"x"
            await viewer.problem("DELETE", path, 403, "not_permitted")
        await api.delete(path)
        await api.problem("GET", path, 404, "file_unknown")
        assert not api.node.services.files.store.path_of(stored["id"]).exists()
