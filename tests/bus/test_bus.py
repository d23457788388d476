"""What every bus does, in the cases that a cluster of nodes makes of it."""

import asyncio
import secrets

import pytest

from stationmaster.bus import BusTimeout, HandlerFailed, NoResponder, Overloaded, RequestHandler
from stationmaster.bus import memory as memory_module
from tests.bus.conftest import Ends, eventually


@pytest.fixture
def subject() -> str:
    """A subject of this test alone, since the broker may be shared."""
    return f"stationmaster.test.{secrets.token_hex(8)}"


async def echo(message: bytes) -> bytes:
    return b"echo " + message


def answering(word: bytes, seen: list[bytes] | None = None) -> RequestHandler:
    async def handler(message: bytes) -> bytes:
        if seen is not None:
            seen.append(message)
        return word

    return handler


async def test_a_request_is_answered_by_the_one_who_serves(ends: Ends, subject: str) -> None:
    async with ends.a.serve(subject, echo):
        assert await ends.b.request(subject, b"hello", 5) == b"echo hello"
        assert await ends.a.request(subject, b"from here", 5) == b"echo from here"


async def test_nobody_serving_is_known_at_once(ends: Ends, subject: str) -> None:
    with pytest.raises(NoResponder):
        await ends.a.request(subject, b"anyone?", 30)


async def test_leaving_the_context_ends_the_serving(ends: Ends, subject: str) -> None:
    async with ends.a.serve(subject, echo):
        await ends.b.request(subject, b"x", 5)
    with pytest.raises(NoResponder):
        await ends.b.request(subject, b"x", 5)


async def test_the_newest_epoch_wins_and_the_old_one_is_told(ends: Ends, subject: str) -> None:
    told: asyncio.Future[bytes] = asyncio.Future()

    async def replaced(introduction: bytes) -> None:
        told.set_result(introduction)

    old_saw: list[bytes] = []
    async with ends.a.serve(subject, answering(b"old", old_saw), epoch=1, replaced=replaced):
        assert await ends.b.request(subject, b"x", 5) == b"old"
        async with ends.b.serve(subject, answering(b"new"), epoch=2, introduction=b"it is I"):
            assert await ends.a.request(subject, b"y", 5) == b"new"
            assert await ends.b.request(subject, b"z", 5) == b"new"
            assert await asyncio.wait_for(told, 5) == b"it is I"
    assert old_saw == [b"x"]


async def test_a_late_close_of_the_old_one_does_not_evict_the_new_one(ends: Ends, subject: str) -> None:
    old = ends.a.serve(subject, answering(b"old"), epoch=1)
    await old.__aenter__()
    async with ends.b.serve(subject, answering(b"new"), epoch=2):
        await old.__aexit__(None, None, None)
        assert await ends.a.request(subject, b"x", 5) == b"new"


async def test_one_that_comes_late_with_an_older_epoch_does_not_displace_the_newer(ends: Ends, subject: str) -> None:
    told = asyncio.Event()

    async def replaced(_introduction: bytes) -> None:
        told.set()

    async with (
        ends.b.serve(subject, answering(b"new"), epoch=8),
        ends.a.serve(subject, answering(b"old"), epoch=7, replaced=replaced),
    ):
        await asyncio.wait_for(told.wait(), 5)
        assert await ends.a.request(subject, b"x", 5) == b"new"


async def test_of_equal_epochs_the_last_to_come_wins(ends: Ends, subject: str) -> None:
    async with ends.a.serve(subject, answering(b"first")), ends.b.serve(subject, answering(b"second")):
        assert await ends.a.request(subject, b"x", 5) == b"second"


async def test_a_request_for_a_newer_connection_is_not_handled_by_an_older_one(ends: Ends, subject: str) -> None:
    seen: list[bytes] = []
    async with ends.a.serve(subject, answering(b"old", seen), epoch=3):
        with pytest.raises(NoResponder):
            await ends.b.request(subject, b"for epoch 4", 5, epoch=4)
    assert seen == []


async def test_an_answer_that_does_not_come_in_time_is_a_timeout_and_the_handler_goes_on(
    ends: Ends, subject: str
) -> None:
    go_on, finished = asyncio.Event(), asyncio.Event()

    async def slow(_message: bytes) -> bytes:
        await go_on.wait()
        finished.set()
        return b"late"

    async with ends.a.serve(subject, slow):
        with pytest.raises(BusTimeout, match=r"within 0\.05 s"):
            await ends.b.request(subject, b"x", 0.05)
        go_on.set()
        await asyncio.wait_for(finished.wait(), 5)


async def test_a_handler_that_breaks_tells_the_asker_without_its_secrets(ends: Ends, subject: str) -> None:
    async def broken(_message: bytes) -> bytes:
        raise ValueError("the password is 1234")

    async with ends.a.serve(subject, broken):
        with pytest.raises(HandlerFailed) as failure:
            await ends.b.request(subject, b"x", 5)
        assert "1234" not in str(failure.value)
        with pytest.raises(HandlerFailed):
            await ends.b.request(subject, b"x", 5)


async def test_requests_are_handled_side_by_side(ends: Ends, subject: str) -> None:
    both = asyncio.Barrier(2)

    async def handler(message: bytes) -> bytes:
        await both.wait()
        return message

    async with ends.a.serve(subject, handler):
        answers = await asyncio.gather(ends.b.request(subject, b"1", 5), ends.b.request(subject, b"2", 5))
    assert list(answers) == [b"1", b"2"]


async def test_more_requests_than_the_limit_are_refused_at_once(
    ends: Ends, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "MAX_REQUESTS_IN_PROGRESS", 1)
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(message: bytes) -> bytes:
        entered.set()
        await go_on.wait()
        return message

    async with ends.a.serve(subject, slow):
        first = asyncio.create_task(ends.b.request(subject, b"1", 5))
        await entered.wait()
        with pytest.raises(Overloaded):
            await ends.b.request(subject, b"2", 5)
        go_on.set()
        assert await first == b"1"


async def test_what_is_published_reaches_every_listener_once_and_in_order(ends: Ends, subject: str) -> None:
    here: list[bytes] = []
    there: list[bytes] = []

    async def listen_here(_subject: str, message: bytes) -> None:
        here.append(message)

    async def listen_there(_subject: str, message: bytes) -> None:
        there.append(message)

    async with ends.a.subscribe(subject, listen_here), ends.b.subscribe(subject, listen_there):
        await _settled(ends, subject)
        for number in range(20):
            await ends.a.publish(subject, b"%d" % number)
        await eventually(lambda: len(here) >= 20 and len(there) >= 20)
        await _settled(ends, subject)
    assert here == there == [b"%d" % number for number in range(20)]


async def test_two_listeners_of_one_node_get_each_message_once(ends: Ends, subject: str) -> None:
    got: list[tuple[str, bytes]] = []

    async def first(_subject: str, message: bytes) -> None:
        got.append(("first", message))

    async def second(_subject: str, message: bytes) -> None:
        got.append(("second", message))

    async with ends.a.subscribe(subject, first), ends.a.subscribe(subject, second):
        await _settled(ends, subject)
        await ends.b.publish(subject, b"news")
        await eventually(lambda: len(got) >= 2)
        await _settled(ends, subject)
    assert sorted(got) == [("first", b"news"), ("second", b"news")]


async def test_a_star_listens_to_one_token(ends: Ends, subject: str) -> None:
    got: list[str] = []

    async def listener(of: str, _message: bytes) -> None:
        got.append(of.removeprefix(f"{subject}."))

    async with ends.b.subscribe(f"{subject}.*", listener):
        await _settled(ends, subject)
        for tail in ("one", "one.two", "three"):
            await ends.a.publish(f"{subject}.{tail}", b"")
        await eventually(lambda: len(got) >= 2)
        await _settled(ends, subject)
    assert got == ["one", "three"]


async def test_a_listener_that_breaks_gets_the_next_message(ends: Ends, subject: str) -> None:
    got: list[bytes] = []

    async def listener(_subject: str, message: bytes) -> None:
        if message == b"bad":
            raise ValueError("cannot read this")
        got.append(message)

    async with ends.b.subscribe(subject, listener):
        await _settled(ends, subject)
        await ends.a.publish(subject, b"bad")
        await ends.a.publish(subject, b"good")
        await eventually(lambda: got == [b"good"])


async def test_closing_twice_does_no_harm(ends: Ends, subject: str) -> None:
    async with ends.a.serve(subject, echo):
        await ends.a.close()
        await ends.a.close()


async def _settled(ends: Ends, subject: str) -> None:
    """Both ends have reached the broker, and what was sent before has arrived."""
    for here, there in ((ends.a, ends.b), (ends.b, ends.a)):
        async with here.serve(f"{subject}-settled", echo):
            await there.request(f"{subject}-settled", b"", 5)
