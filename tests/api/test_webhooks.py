"""Webhooks, delivered by a running node to a real server on loopback."""

import asyncio
import base64
import contextlib
import hmac
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from stationmaster.app.node import Node, running_node
from stationmaster.storage.queries.access import Organisation
from tests.api.conftest import Client, client_of, eventually, new_id, settings_of

Answer = Callable[["Request"], tuple[int, str] | None]
"""Status and further header lines; None: no answer ever."""


class Request:
    def __init__(self, line: str, headers: dict[str, str], body: bytes) -> None:
        self.line = line
        self.headers = headers
        self.body = body

    @property
    def event(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """An HTTP server that remembers what it was told."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers["content-length"]))
            request = Request(head[0], headers, body)
            self.requests.append(request)
            answer = self.answer(request)
            if answer is None:
                await reader.read()
            else:
                status, more = answer
                writer.write(f"HTTP/1.1 {status} X\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n".encode())
                await writer.drain()
        writer.close()


@asynccontextmanager
async def receiver(answer: Answer = lambda _request: (204, "")) -> AsyncIterator[Receiver]:
    server = Receiver(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


@pytest.fixture
async def node(database_url: str, tmp_path: Path) -> AsyncIterator[Node]:
    settings = settings_of(tmp_path, database_url, security__private_hosts="127.0.0.1", webhooks__timeout_s=2)
    async with running_node(settings) as running:
        yield running


@pytest.fixture
async def api(node: Node) -> AsyncIterator[Client]:
    await node.storage.organisations.create(Organisation(id="org-1", name="of a test"))
    key = (await node.services.api_keys.create("org-1", "test", "admin")).text
    async with client_of(node, key) as client:
        yield client


async def hook(api: Client, url: str, **more: Any) -> Any:
    return await api.post("/webhooks", {"name": "Billing", "url": url, **more})


async def token(api: Client, id_tag: str) -> None:
    """Something that happens: an unknown token is of no station here, so a site is changed."""
    await api.post("/sites", {"id": id_tag, "name": id_tag})


def told(server: Receiver) -> list[str]:
    events = [each.event for each in server.requests]
    return [each["data"]["site_id"] for each in events if each["type"] == "site.changed"]


async def all_told(server: Receiver, *ids: str) -> None:
    async def look() -> bool:
        return set(ids) <= set(told(server))

    await eventually(look)


async def test_events_arrive_in_order_signed_as_on_the_stream(api: Client) -> None:
    async with receiver() as server:
        made = await hook(api, server.url, event_types=["site."])
        assert made["secret"].startswith("whsec_")
        assert "secret" not in await api.get(f"/webhooks/{made['id']}")
        for number in range(5):
            await token(api, f"site-{number}")
        await all_told(server, "site-4")
        assert told(server) == [f"site-{number}" for number in range(5)]
        first = server.requests[0]
        # What a receiver does to be sure, in the words of docs/webhooks.md.
        key = base64.b64decode(made["secret"].removeprefix("whsec_"))
        signed = f"{first.headers['webhook-id']}.{first.headers['webhook-timestamp']}.".encode() + first.body
        wanted = base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
        assert first.headers["webhook-signature"] == f"v1,{wanted}"
        past = (await api.get("/past-events", type="site.changed"))["items"][-1]
        assert first.event == past
        assert first.headers["webhook-id"] == past["id"]
        attempts = (await api.get(f"/webhooks/{made['id']}/deliveries"))["items"]
        assert {(each["state"], each["status"], each["attempt"]) for each in attempts} == {("delivered", 204, 1)}


async def test_a_receiver_that_was_away_gets_everything_when_it_is_back(api: Client, node: Node) -> None:
    down = True
    async with receiver(lambda _request: (500, "") if down else (200, "")) as server:
        made = await hook(api, server.url, event_types=["site.changed"])
        path = f"/webhooks/{made['id']}"
        await token(api, "site-a")
        await token(api, "site-b")

        async def failing() -> Any:
            found = await api.get(path)
            return found if found["attempts"] else None

        found = await eventually(failing)
        assert found["failing_since"]
        assert found["next_at"]
        assert set(told(server)) == {"site-a"}, "the second waits for the first"
        down = False
        await api.patch(path, {"enabled": True})
        await all_told(server, "site-b")
        assert told(server)[-2:] == ["site-a", "site-b"]
        assert (await api.get(path))["failing_since"] is None


async def test_a_slow_receiver_harms_nobody(api: Client) -> None:
    async with receiver(lambda _request: None) as slow, receiver() as quick:
        await hook(api, slow.url, event_types=["site.changed"])
        await hook(api, quick.url, event_types=["site.changed"])
        for number in range(3):
            await token(api, f"site-{number}")
        await all_told(quick, "site-0", "site-1", "site-2")
        assert set(told(slow)) <= {"site-0"}


async def test_what_an_operator_changes_while_an_attempt_runs_counts(api: Client, node: Node) -> None:
    async with receiver(lambda _request: None) as stuck, receiver() as good:
        made = await hook(api, stuck.url, event_types=["site.changed"])
        path = f"/webhooks/{made['id']}"
        await token(api, "site-a")
        await all_told(stuck, "site-a")
        await api.patch(path, {"url": good.url})
        await all_told(good, "site-a")

        async def delivered() -> Any:
            return (await api.get(path))["delivered_at"]

        await eventually(delivered)
        attempts = (await api.get(f"{path}/deliveries"))["items"]
        words = "the attempt that ended in vain meanwhile put nothing off and counts for nothing"
        assert [(each["state"], each["attempt"]) for each in attempts] == [("delivered", 1), ("failed", 1)], words

        webhooks = node.storage.webhooks
        (known,) = (await webhooks.find("org-1")).items
        assert await webhooks.claim(known, "another", known.claimed_until, known.claimed_until + 1)
        elsewhere = '{"floor":1,"seen":{}}'
        await webhooks.change(known.id, {"position": elsewhere, "updated_at": known.updated_at + 1})
        assert not await webhooks.settle(known, "another", {"position": known.position, "attempts": 0}, None)
        (after,) = (await webhooks.find("org-1")).items
        assert after.position == elsewhere
        assert not await webhooks.claim(known, "another", 0, 1), "it is to be read anew first"


async def test_one_that_cannot_be_reached_for_long_is_switched_off_with_an_alert(api: Client, node: Node) -> None:
    node.webhooks._give_up_us = 0
    async with receiver(lambda _request: (503, "")) as server:
        made = await hook(api, server.url, event_types=["site.changed"])
        await token(api, "site-a")

        async def off() -> Any:
            found = await api.get(f"/webhooks/{made['id']}")
            return None if found["enabled"] else found

        assert (await eventually(off))["disabled_reason"] == "it answered 503"

        async def alerts() -> Any:
            return (await api.get("/alerts", kind="webhook_disabled", state="open"))["items"]

        (alert,) = await eventually(alerts)
        assert alert["summary"] == "The webhook Billing was switched off: it answered 503"
        await api.patch(f"/webhooks/{made['id']}", {"enabled": True, "from_now": True})

        async def cleared() -> Any:
            return not await alerts()

        await eventually(cleared)


async def test_an_event_that_is_refused_again_and_again_is_passed_over(
    api: Client, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stationmaster.services.webhooks.deliverer.MOST_REFUSALS", 1)
    async with receiver(lambda request: (422, "") if b"site-bad" in request.body else (200, "")) as server:
        made = await hook(api, server.url, event_types=["site.changed"])
        await token(api, "site-bad")
        await token(api, "site-good")
        await all_told(server, "site-good")
        attempts = (await api.get(f"/webhooks/{made['id']}/deliveries", state="given_up"))["items"]
        assert [each["status"] for each in attempts] == [422]


async def test_redirects_are_not_followed_and_tests_and_wishes_tell_the_outcome(api: Client) -> None:
    status = 302
    async with receiver(lambda _request: (status, "location: http://127.0.0.1:1/\r\n")) as server:
        made = await hook(api, server.url, event_types=["site.changed"])
        path = f"/webhooks/{made['id']}"
        tested = await api.post(f"{path}/test", None, 200)
        assert (tested["state"], tested["status"], tested["event_type"]) == ("failed", 302, "webhook.test")
        await api.problem("POST", f"{path}/deliveries/{tested['id']}/redeliver", 409, "event_gone")
        status = 200
        await token(api, "site-a")
        await all_told(server, "site-a")

        async def delivered() -> Any:
            return (await api.get(f"{path}/deliveries", state="delivered"))["items"]

        (first,) = await eventually(delivered)
        read = await api.get(f"{path}/deliveries/{first['id']}")
        assert read["body"] == server.requests[-1].event
        assert (await api.get(f"{path}/deliveries/{tested['id']}"))["body"] is None
        await api.problem("GET", f"{path}/deliveries/1", 404, "delivery_unknown")
        again = await api.post(f"{path}/deliveries/{first['id']}/redeliver", None, 200)
        assert (again["state"], again["event_id"], again["reason"]) == ("delivered", first["event_id"], "again")
        assert server.requests[-1].headers["webhook-id"] == first["event_id"]
        other = await api.post(f"{path}/secret", None, 200)
        assert other["secret"] != made["secret"]
        await api.delete(path)
        await api.problem("GET", path, 404, "webhook_unknown")


async def test_a_new_start_goes_on_where_the_node_stood(tmp_path: Path, sqlite_template: Path) -> None:
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}"
    settings = settings_of(tmp_path, url, security__private_hosts="127.0.0.1")
    async with receiver() as server:
        async with running_node(settings) as first:
            key = (await first.services.api_keys.create("default", "test", "admin")).text
            async with client_of(first, key) as api:
                made = await hook(api, server.url, event_types=["site.changed"])
                await token(api, "site-a")
                await all_told(server, "site-a")
                await api.patch(f"/webhooks/{made['id']}", {"enabled": False})
                await token(api, "site-b")
                await api.patch(f"/webhooks/{made['id']}", {"enabled": True})
        async with running_node(settings):
            await all_told(server, "site-b")
        assert told(server).count("site-a") == 1


URLS = [
    "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "javascript:alert(1)", "example.org/hook",
    "//example.org/hook", "https://", "https:///hook", "https://example.org:0x50/", "https://example.org:99999/",
    "https://user@example.org/", "https://user:secret@example.org/", "https://127.0.0.1@example.org/",
    "https://example.org@127.0.0.1/", "https://example.org/#part", "https://exa mple.org/", "https://example.org\\@127.0.0.1/",
    "https://127.0.0.1/\r\nX: y", "https://10.1.2.3/", "https://172.16.0.1/", "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://0.0.0.0/", "https://255.255.255.255/",
    "https://224.0.0.1/", "https://127.0.0.2/", "https://[::1]/", "https://[::]/", "https://[fe80::1]/",
    "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::1]/",
    "https://[ff02::1]/", "https://[::1%25lo]/", "http://example.org/", "http://93.184.215.14/",
    "https://１２７.0.0.2/", "https://ⓔxample.org/",  # noqa: RUF001 - letters that look like others
]  # fmt: skip
"""What is refused when it is given."""
LATER = [
    "https://2130706434/", "https://0177.0.0.2/", "https://0x7f.0.0.2/", "https://0x7f000002/", "https://127.2/",
    "https://017700000002/",
]  # fmt: skip
"""Loopback in writings of which only the resolver knows what they mean: refused when they are resolved."""


async def test_no_address_leads_inside(api: Client) -> None:
    assert len(URLS) >= 40
    for url in URLS:
        answer = await api.http.post("/api/v1/webhooks", json={"name": "x", "url": url})
        assert answer.status_code == 422, f"{url}: {answer.status_code} {answer.text}"
    for url in LATER:
        answer = await api.http.post("/api/v1/webhooks", json={"name": "x", "url": url})
        if answer.status_code == 422:
            continue
        made = answer.json()
        tested = await api.post(f"/webhooks/{made['id']}/test", None, 200)
        assert tested["status"] is None, url
        assert "address" in tested["error"] or "reached" in tested["error"], tested["error"]
        await api.delete(f"/webhooks/{made['id']}")


async def test_a_name_that_changes_its_address_is_judged_each_time_and_pinned(
    api: Client, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = iter(["93.184.215.14", "127.0.0.2"])
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [next(addresses)]

    monkeypatch.setattr(node.services.outbound, "_resolve", resolve)
    made = await hook(api, "https://rebinding.example.org/")
    # The first answer is public: only that address is tried, the name is not asked again for the connection.
    first = await api.post(f"/webhooks/{made['id']}/test", None, 200)
    assert len(asked) == 1
    assert first["status"] is None
    second = await api.post(f"/webhooks/{made['id']}/test", None, 200)
    assert second["error"] == "its address is not a public one; security.private_hosts can allow it"


async def test_only_administrators_of_the_whole_organisation_keep_webhooks(api: Client) -> None:
    made = await api.post("/api-keys", {"name": new_id(), "role": "admin", "site_ids": ["north"]})
    async with client_of(api.node, made["key"]) as limited:
        await limited.problem("GET", "/webhooks", 403, "other_site")
    made = await api.post("/api-keys", {"name": new_id(), "role": "operator"})
    async with client_of(api.node, made["key"]) as operator:
        assert (await operator.get("/webhooks"))["items"] == []
        body = {"name": "x", "url": "https://example.org/"}
        await operator.problem("POST", "/webhooks", 403, "not_permitted", json=body)
    types = (await api.get("/webhooks/event-types"))["items"]
    assert {"transaction.started", "alert.raised"} <= set(types)
    assert "meter.sampled" not in types
