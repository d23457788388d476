"""RFC 6455 probed with raw sockets (RELIABILITY D-01). The station next door must notice nothing of any of them."""

import asyncio
import os
import struct
import zlib

import pytest

from tests.gateway.conftest import StartWorld, World, until
from tests.gateway.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawStation, frame, upgrade

HEARTBEAT = [2, "1", "Heartbeat", {}]
LIMIT = 1_048_576


async def still_served(station: RawStation, message_id: str = "still") -> None:
    answer = await station.call([2, message_id, "Heartbeat", {}])
    assert answer[:2] == [3, message_id]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(frame(b"[]", masked=False), 1002, id="unmasked text"),
        pytest.param(frame(b"[]", rsv=4), 1002, id="rsv1 without compression"),
        pytest.param(frame(b"[]", rsv=2), 1002, id="rsv2"),
        pytest.param(frame(b"[]", rsv=1), 1002, id="rsv3"),
        *(pytest.param(frame(b"", opcode), 1002, id=f"opcode {opcode}") for opcode in (3, 7, 11, 15)),
        pytest.param(frame(b"x" * 126, PING), 1002, id="ping of 126 bytes"),
        pytest.param(frame(b"x" * 126, PONG), 1002, id="pong of 126 bytes"),
        pytest.param(frame(b"x", PING, fin=False), 1002, id="fragmented ping"),
        pytest.param(frame(b"", PING, masked=False), 1002, id="unmasked ping"),
        pytest.param(frame(b"more", CONTINUATION), 1002, id="continuation of nothing"),
        pytest.param(frame(b"[", fin=False) + frame(b"[]"), 1002, id="new text inside a fragmented one"),
        pytest.param(frame(b"\xff\xfe"), 1007, id="text that is not UTF-8"),
        pytest.param(frame(b"\xed\xa0\x80"), 1007, id="surrogate in UTF-8"),
        pytest.param(frame(b"\xc3", fin=False) + frame(b"(", CONTINUATION), 1007, id="fragments that are not UTF-8"),
        pytest.param(frame(b"x", CLOSE), 1002, id="close of one byte"),
        pytest.param(frame(struct.pack("!H", 1005), CLOSE), 1002, id="close with 1005"),
        pytest.param(frame(struct.pack("!H", 999), CLOSE), 1002, id="close with 999"),
        pytest.param(frame(struct.pack("!H", 1000) + b"\xff", CLOSE), 1007, id="close reason not UTF-8"),
        pytest.param(frame(b"x" * 126, CLOSE), 1002, id="close of 126 bytes"),
        pytest.param(frame(length=2**62), 1009, id="length 2^62"),
        pytest.param(frame(length=2**63 + 5), 1009, id="length with the highest bit"),
        pytest.param(frame(length=LIMIT + 1), 1009, id="one byte over the limit, announced"),
        pytest.param(
            frame(b"x" * (LIMIT // 2), fin=False) + frame(b"x" * (LIMIT // 2 + 1), CONTINUATION),
            1009,
            id="fragments one byte over the limit",
        ),
        pytest.param(frame(b"x" * (LIMIT + 1)), 1009, id="one byte over the limit"),
    ],
)
async def test_a_violation_closes_with_its_code(world: World, data: bytes, code: int) -> None:
    neighbour = await world.station("neighbour")
    station = await world.station()
    await station.send(data)
    assert (await station.closed())[0] == code
    await still_served(neighbour)
    await until(lambda: world.gateway.connected_stations() == ["neighbour"])


async def test_a_message_of_exactly_the_limit_is_taken(world: World) -> None:
    station = await world.station()
    head, tail = b'[2,"1","DataTransfer",{"vendorId":"v","data":"', b'"}]'
    await station.send(frame(head + b"x" * (LIMIT - len(head) - len(tail)) + tail))
    assert (await station.hear())[:2] == [3, "1"]


async def test_fragments_make_a_message_and_may_be_interrupted_by_a_ping(world: World) -> None:
    station = await world.station()
    text = '[2,"ä1","Heartbeat",{}]'.encode()
    await station.send(frame(text[:5], fin=False) + frame(b"there?", PING) + frame(b"", CONTINUATION, fin=False))
    assert await station.frame() == (PONG, b"there?")
    await station.send(frame(text[5:], CONTINUATION))
    assert (await station.hear())[:2] == [3, "ä1"]
    await still_served(station)


async def test_many_empty_fragments_cost_nothing_and_end_in_a_message(start_world: StartWorld) -> None:
    world = await start_world(frames_per_s=0)
    station = await world.station()
    await station.send(frame(b"[", fin=False) + frame(b"", CONTINUATION, fin=False) * 20_000)
    await station.send(frame(b"]", CONTINUATION))
    await still_served(station)


async def test_a_ping_is_answered_with_its_payload(world: World) -> None:
    station = await world.station()
    for payload in (b"", b"x", b"y" * 125):
        await station.send(frame(payload, PING))
        assert await station.frame() == (PONG, payload)


async def test_an_unsolicited_pong_is_fine(world: World) -> None:
    station = await world.station()
    await station.send(frame(b"hello", PONG))
    await still_served(station)


async def test_a_frame_may_come_byte_by_byte(world: World) -> None:
    station = await world.station()
    for byte in frame(b'[2,"1","Heartbeat",{}]'):
        await station.send(bytes((byte,)))
        await asyncio.sleep(0)
    assert (await station.hear())[:2] == [3, "1"]


async def test_many_frames_may_come_at_once(world: World) -> None:
    station = await world.station()
    frames = [frame(f'[2,"{number}","Heartbeat",{{}}]'.encode()) for number in range(50)]
    await station.send(b"".join(frames))
    assert [(await station.hear())[1] for _ in frames] == [str(number) for number in range(50)]


async def test_frames_may_come_with_the_handshake(world: World) -> None:
    world.directory.add("CP1")
    station = await world.raw()
    response = await station.request(upgrade() + frame(b'[2,"early","Heartbeat",{}]'))
    assert response.status == 101
    assert (await station.hear())[:2] == [3, "early"]


async def test_a_medium_length_may_be_written_long(world: World) -> None:
    station = await world.station()
    text = b'[2,"1","Heartbeat",{}]'
    await station.send(b"\x81\xff" + struct.pack("!Q", len(text)) + b"\0\0\0\0" + text)
    assert (await station.hear())[:2] == [3, "1"]


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_a_close_is_answered_in_kind(world: World, code: int) -> None:
    station = await world.station()
    await station.send(frame(struct.pack("!H", code) + b"bye", CLOSE))
    assert await station.frame() == (CLOSE, struct.pack("!H", code) + b"bye")
    assert await station.reader.read() == b""
    await until(lambda: world.gateway.connected_stations() == [])


async def test_an_empty_close_is_answered(world: World) -> None:
    station = await world.station()
    await station.send(frame(b"", CLOSE))
    assert await station.frame() == (CLOSE, b"")


async def test_what_follows_a_close_is_not_heard(world: World) -> None:
    station = await world.station()
    await station.send(frame(struct.pack("!H", 1000), CLOSE) + frame(b'[2,"1","Heartbeat",{}]'))
    assert (await station.frame())[0] == CLOSE
    assert await station.reader.read() == b""


async def test_binary_frames_are_ignored_and_the_third_one_closes_with_1003(world: World) -> None:
    station = await world.station()
    await station.send(frame(b"\x00\xff", BINARY))
    await still_served(station, "a")
    await station.send(frame(b"\x00", BINARY, fin=False) + frame(b"\xff", CONTINUATION))
    await still_served(station, "b")
    await station.send(frame(os.urandom(100), BINARY))
    assert (await station.closed())[0] == 1003


async def test_noise_instead_of_frames_ends_that_connection_only(world: World) -> None:
    neighbour = await world.station("neighbour")
    station = await world.station()
    await station.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await station.closed())[0] == 1002
    await still_served(neighbour)


# permessage-deflate (handbook §1.12)


def deflated(text: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-12)
    return (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


OFFER = "permessage-deflate; client_max_window_bits"


async def test_compression_is_agreed_when_it_is_offered(world: World) -> None:
    world.directory.add("CP1")
    station = await world.raw()
    response = await station.open(Sec_WebSocket_Extensions=OFFER)
    agreed = response.headers["sec-websocket-extensions"]
    assert agreed.startswith("permessage-deflate")
    assert "client_no_context_takeover" in agreed
    await station.send(frame(deflated(b'[2,"1","Heartbeat",{}]'), rsv=4))
    assert (await station.hear())[:2] == [3, "1"]
    await station.say([2, "2", "Heartbeat", {}])  # uncompressed is fine, too
    assert (await station.hear())[:2] == [3, "2"]
    packed = deflated(b'[2,"3","Heartbeat",{}]')
    await station.send(frame(packed[:7], rsv=4, fin=False) + frame(packed[7:], CONTINUATION))
    assert (await station.hear())[:2] == [3, "3"]


async def test_compression_is_not_agreed_unasked_nor_where_it_is_switched_off(start_world: StartWorld) -> None:
    world = await start_world({"compression": False})
    world.directory.add("CP1")
    station = await world.raw()
    response = await station.open(Sec_WebSocket_Extensions=OFFER)
    assert "sec-websocket-extensions" not in response.headers
    await station.send(frame(deflated(b"[]"), rsv=4))
    assert (await station.closed())[0] == 1002


@pytest.mark.parametrize(
    "offer", ["permessage-deflate; unknown=1", "x-unknown", "permessage-deflate; server_max_window_bits=8", ";;;"]
)
async def test_an_offer_that_cannot_be_met_is_passed_over(world: World, offer: str) -> None:
    world.directory.add("CP1")
    station = await world.raw()
    response = await station.open(Sec_WebSocket_Extensions=offer)
    assert "sec-websocket-extensions" not in response.headers
    await still_served(station)


@pytest.mark.parametrize("size", [LIMIT + 1, 50_000_000])
async def test_a_message_that_inflates_beyond_the_limit_closes_with_1009(world: World, size: int) -> None:
    world.directory.add("CP1")
    station = await world.raw()
    await station.open(Sec_WebSocket_Extensions=OFFER)
    await station.send(frame(deflated(b" " * size), rsv=4))
    assert (await station.closed())[0] == 1009


async def test_what_does_not_inflate_closes_with_1002(world: World) -> None:
    world.directory.add("CP1")
    station = await world.raw()
    await station.open(Sec_WebSocket_Extensions=OFFER)
    await station.send(frame(b"\xff\xff\xff", rsv=4))
    assert (await station.closed())[0] == 1002


async def test_long_answers_are_compressed_where_it_was_agreed(start_world: StartWorld) -> None:
    world = await start_world(compress_from=20)
    world.directory.add("CP1")
    station = await world.raw()
    await station.open(Sec_WebSocket_Extensions=OFFER)
    await station.say([2, "1", "Heartbeat", {}])
    head, mark = await station.reader.readexactly(2)
    assert head == 0xC1
    packed = await station.reader.readexactly(mark)
    assert zlib.decompressobj(wbits=-12).decompress(packed + b"\x00\x00\xff\xff").startswith(b'[3,"1",')
    assert head & 0x0F == TEXT
