"""The load generator and its books: what it sends is OCPP, and what it says was wrong was wrong."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from bench.conversation import MESSAGES_PER_SESSION, Dialogue, Life, charging_session, settle
from bench.load import Station, Tally
from bench.measure import wrong_transactions
from bench.wire import Wire, frame, upgrade_request
from tests.ocpp.schemas import is_valid


def said(dialogue: Dialogue, answers: dict[bytes, bytes]) -> list[tuple[str, Any]]:
    """All that is said when each action is answered like this."""
    messages: list[tuple[str, Any]] = []
    answer: bytes | None = None
    while True:
        try:
            action, payload = dialogue.send(answer) if answer is not None else next(dialogue)
        except StopIteration:
            return messages
        messages.append((action.decode(), json.loads(payload)))
        answer = answers.get(action, b"{}")


def test_a_session_is_thirteen_proper_messages() -> None:
    life = Life("BENCH-00001", "BENCHTAG0001")
    messages = said(charging_session(life), {b"StartTransaction": b'{"idTagInfo":{},"transactionId": 4711 }'})
    assert len(messages) == MESSAGES_PER_SESSION == 13
    assert [action for action, payload in messages if not is_valid(action, "request", payload)] == []
    values = [payload for action, payload in messages if action == "MeterValues"]
    assert {payload["transactionId"] for payload in values} == {4711}
    assert {len(payload["meterValue"][0]["sampledValue"]) for payload in values} == {10}
    times = [payload["meterValue"][0]["timestamp"] for payload in values]
    assert times == sorted(set(times)), "no two sets are taken at one moment"
    assert life.transactions == [(4711, 1000, messages[-2][1]["meterStop"])]


def test_settling_is_proper_too() -> None:
    messages = said(settle(Life("BENCH-00001", "BENCHTAG0001")), {})
    assert [action for action, payload in messages if not is_valid(action, "request", payload)] == []


@pytest.mark.parametrize("length", [0, 125, 126, 127, 65535])
async def test_a_frame_arrives_as_it_was_and_so_does_the_answer(length: int) -> None:
    heard: list[str] = []

    async def echo(socket: ServerConnection) -> None:
        async for text in socket:
            heard.append(str(text))
            await socket.send(text)

    opened, received = asyncio.Event(), asyncio.Queue[bytes]()
    async with serve(echo, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        request = upgrade_request(f"ws://127.0.0.1:{port}/ocpp/CP7", "secret")
        wire = Wire(request, opened.set, received.put_nowait, lambda status: None)
        await asyncio.get_running_loop().create_connection(lambda: wire, "127.0.0.1", port)
        await opened.wait()
        wire.send(b"x" * length)
        assert await received.get() == b"x" * length
        wire.close()
    assert heard == ["x" * length]
    assert frame(b"")[:2] == b"\x81\x80"


@pytest.mark.parametrize(
    ("answer", "errors", "surprises"),
    [('[3,"1",{}]', 0, 0), ('[4,"1","InternalError","",{}]', 1, 0), ('[3,"7",{}]', 1, 0), ('[2,"a","Reset",{}]', 0, 1)],
)
async def test_what_is_not_the_answer_is_counted(answer: str, errors: int, surprises: int) -> None:
    async def central_system(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(answer)
        if surprises:
            assert json.loads(await socket.recv())[:3] == [4, "a", "NotSupported"]
        if errors or surprises:
            await socket.send('[3,"1",{}]')
        await socket.wait_closed()

    def dialogue(station: Station) -> Dialogue | None:
        return None if station.tally.latencies else settle(station.life)

    async with serve(central_system, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        request = upgrade_request(f"ws://127.0.0.1:{port}/ocpp/CP7", None)
        station = Station(Life("CP7", "TAG"), request, Tally(), dialogue)
        await station.connect("127.0.0.1", port)
        async with asyncio.timeout(5):
            while not station.tally.latencies:  # noqa: ASYNC110 - the generator has no events for tests
                await asyncio.sleep(0.01)
        assert (station.tally.error_count, station.tally.surprises) == (errors, surprises)
        station.close()


class Store:
    """The API of a node that holds these transactions."""

    def __init__(self, *kept: tuple[int, int, int | None]) -> None:
        self.kept = kept

    def everything(self, path: str, **filters: str) -> list[Any]:
        return [
            {"transaction_id": number, "meter_start_wh": start, "meter_stop_wh": stop}
            for number, start, stop in self.kept
        ]


@pytest.mark.parametrize(
    ("kept", "wrong"),
    [
        ([(7, 0, 10), (8, 10, 20)], 0),
        ([(7, 0, 10)], 1),
        ([(7, 0, 10), (8, 10, 20), (9, 10, 20)], 1),
        ([(7, 0, 10), (8, 10, None)], 2),
        ([(7, 0, 10), (7, 0, 10), (8, 10, 20)], 1),
    ],
    ids=["right", "lost", "added", "stop lost", "doubled"],
)
def test_every_difference_between_answers_and_store_is_found(kept: list[Any], wrong: int) -> None:
    record: Any = {"CP7": [(7, 0, 10), (8, 10, 20)]}
    assert len(wrong_transactions(record, Store(*kept))) == wrong  # type: ignore[arg-type]  # it answers what a Running does


def test_an_id_that_was_given_twice_is_found_without_a_store() -> None:
    record: Any = {"CP7": [(7, 0, 10)], "CP8": [(7, 5, 15)]}
    assert wrong_transactions(record, None) == ["transaction id 7 was given 2 times"]
