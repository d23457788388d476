"""The scripted station: what it says, what it hears, and what it does not let pass."""

import asyncio
import base64

import pytest
from websockets.http11 import Request

from stationmaster.conformance.errors import (
    BrokenRule,
    CallRefused,
    CallUnanswered,
    ConnectionEnded,
    HandshakeRefused,
    InvalidAnswer,
    NothingCame,
    UnexpectedRequest,
)
from stationmaster.conformance.station import ScriptedStation
from stationmaster.ocpp.errors import ErrorCode, OcppError
from tests.conformance.written import Written, central_system

HEARTBEAT = '{"currentTime":"2025-03-01T12:34:56.789Z"}'


async def test_it_asks_and_gets_the_answer() -> None:
    async def script(central: Written) -> None:
        call = await central.answers(HEARTBEAT)
        assert call[0] == 2
        assert call[2:] == ["Heartbeat", {}]

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        assert await station.call("Heartbeat") == {"currentTime": "2025-03-01T12:34:56.789Z"}
        assert [line.direction for line in station.transcript.lines[-2:]] == [">>", "<<"]


async def test_it_connects_as_whom_it_is_told() -> None:
    async def script(central: Written) -> None:
        pass

    seen: list[Request] = []
    async with central_system(script, seen=seen) as url:
        async with ScriptedStation(url, "RDAM 123", password="a secret of CP7"):
            pass
        async with ScriptedStation(url, "CP8", password=b"\xff\x00raw"):
            pass
    assert [request.path for request in seen] == ["/ocpp/RDAM%20123", "/ocpp/CP8"]
    credentials = [base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) for request in seen]
    assert credentials == [b"RDAM 123:a secret of CP7", b"CP8:\xff\x00raw"]


@pytest.mark.parametrize("status", [401, 403, 404, 503])
async def test_a_refused_handshake_says_how(status: int) -> None:
    async def script(central: Written) -> None:
        raise AssertionError

    async with central_system(script, refuse=status) as url:
        with pytest.raises(HandshakeRefused) as refused:
            async with ScriptedStation(url, "CP7"):
                pass
        assert refused.value.status == status


async def test_nobody_there_is_a_refusal_without_status() -> None:
    with pytest.raises(HandshakeRefused) as refused:
        await ScriptedStation("ws://127.0.0.1:9/ocpp", "CP7").connect()
    assert refused.value.status == 0


async def test_a_callerror_is_told_with_its_code() -> None:
    async def script(central: Written) -> None:
        call = await central.hears()
        await central.says(f'[4,"{call[1]}","SecurityError","not accepted",{{"a":1}}]')

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        with pytest.raises(CallRefused, match="SecurityError: not accepted") as refused:
            await station.call("Heartbeat")
        assert refused.value.code == "SecurityError"
        assert refused.value.details == {"a": 1}


@pytest.mark.parametrize(
    "payload",
    [
        "{}",
        '{"currentTime":"yesterday"}',
        '{"currentTime":12}',
        '{"currentTime":"2025-03-01T12:34:56Z","surprise":1}',
    ],
)
async def test_an_answer_that_breaks_the_schema_does_not_pass(payload: str) -> None:
    async def script(central: Written) -> None:
        await central.answers(payload)

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        with pytest.raises(InvalidAnswer):
            await station.call("Heartbeat")


async def test_no_answer_is_told_after_the_patience_is_over() -> None:
    async def script(central: Written) -> None:
        await central.hears()

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        with pytest.raises(CallUnanswered) as unanswered:
            await station.call("Heartbeat", timeout_s=0.05)
        assert unanswered.value.state == "timeout"


async def test_no_answer_is_told_when_the_connection_ends() -> None:
    async def script(central: Written) -> None:
        await central.hears()
        await central.socket.close(1011, "broken")

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        with pytest.raises(CallUnanswered) as unanswered:
            await station.call("Heartbeat")
        assert unanswered.value.state == "not_delivered"
        ended = await station.closed()
        assert (ended.code, ended.reason) == (1011, "broken")
        with pytest.raises(ConnectionEnded):
            await station.expect("Reset")


async def test_a_script_cannot_send_an_improper_request_by_mistake() -> None:
    async def script(central: Written) -> None:
        pass

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        with pytest.raises(OcppError):
            await station.call("Authorize", {"idTag": "a tag that is far longer than twenty characters"})
        assert station.transcript.said(">>") == []


async def test_it_is_asked_and_answers() -> None:
    async def script(central: Written) -> None:
        await central.says('[2,"a","RemoteStartTransaction",{"idTag":"TAG"}]')
        assert await central.hears() == [3, "a", {"status": "Accepted"}]
        await central.says('[2,"b","Reset",{"type":"Soft"}]')
        assert await central.hears() == [4, "b", "InternalError", "no", {}]

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        request = await station.expect("RemoteStartTransaction")
        assert request.payload == {"idTag": "TAG"}
        await station.reply(request, {"status": "Accepted"})
        await station.refuse(await station.expect("Reset"), ErrorCode.INTERNAL_ERROR, "no")


async def test_both_sides_may_ask_at_the_same_time() -> None:
    async def script(central: Written) -> None:
        call = await central.hears()
        await central.says('[2,"a","ClearCache",{}]')
        assert await central.hears() == [3, "a", {"status": "Accepted"}]
        await central.says(f'[3,"{call[1]}",{HEARTBEAT}]')

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        heartbeat = asyncio.create_task(station.call("Heartbeat"))
        await station.obey("ClearCache", {"status": "Accepted"})
        assert "currentTime" in await heartbeat


async def test_another_request_than_expected_is_named() -> None:
    async def script(central: Written) -> None:
        await central.says('[2,"a","GetConfiguration",{}]')

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        with pytest.raises(UnexpectedRequest, match="expected Reset, got GetConfiguration"):
            await station.expect("Reset")


async def test_a_request_that_nobody_expected_fails_the_block() -> None:
    async def script(central: Written) -> None:
        await central.says('[2,"a","GetConfiguration",{}]')
        await central.answers(HEARTBEAT)

    async with central_system(script) as url:
        with pytest.raises(UnexpectedRequest, match="GetConfiguration"):
            async with ScriptedStation(url, "CP7") as station:
                await station.call("Heartbeat")


async def test_silence_is_broken_by_any_request() -> None:
    async def script(central: Written) -> None:
        await central.answers(HEARTBEAT)
        await central.says('[2,"a","ClearCache",{}]')

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        await station.silence(0.05)
        await station.call("Heartbeat")
        with pytest.raises(UnexpectedRequest, match="ClearCache"):
            await station.silence(5)


async def test_waiting_ends() -> None:
    async def script(central: Written) -> None:
        pass

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        with pytest.raises(NothingCame, match=r"Reset did not come within 0\.02 s"):
            await station.expect("Reset", within_s=0.02)
        with pytest.raises(NothingCame):
            await station.hear(within_s=0.02)
        with pytest.raises(NothingCame):
            await station.closed(within_s=0.02)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('[2,"a","Reset",{"type":"Warm"}]', "PropertyConstraintViolation"),
        ('[2,"a","Reset",{}]', "ProtocolError"),
        ('[2,"a","ChangeConfiguration",{"key":"HeartbeatInterval","value":60}]', "TypeConstraintViolation"),
        ('[2,"a","UnlockConnector",{"connectorId":1,"force":true}]', "FormationViolation"),
        ('[2,"a","ReserveNow",{"connectorId":1,"expiryDate":null,"idTag":"T","reservationId":1}]', None),
        ('[2,"a","Heartbeat",{}]', "NotSupported"),
        ('[2,"a","Dance",{}]', "NotImplemented"),
        ('[2,"a","Reset"]', "FormationViolation"),
        ("[2,", None),
        ("{}", None),
        ('[9,"a"]', None),
        ('[3,"never asked",{}]', None),
        ('[4,"never asked","GenericError","",{}]', None),
    ],
)
async def test_whatever_breaks_the_protocol_fails_the_block(text: str, answer: str | None) -> None:
    async def script(central: Written) -> None:
        await central.says(text)
        if answer is not None:
            assert (await central.hears())[2] == answer

    async with central_system(script) as url:
        with pytest.raises(BrokenRule) as broken:
            async with ScriptedStation(url, "CP7") as station:
                assert await station.hear() == text
        assert text in str(broken.value)


async def test_it_can_say_anything() -> None:
    async def script(central: Written) -> None:
        assert await central.socket.recv() == "hello"
        await central.says('[4,"","FormationViolation","not an array",{}]')

    async with central_system(script) as url:
        station = ScriptedStation(url, "CP7")
        await station.connect()
        assert "FormationViolation" in await station.ask("hello")
        await station.disconnect()
        assert station.violations == ['an answer to nothing: [4,"","FormationViolation","not an array",{}]']


async def test_it_comes_back_after_losing_the_connection() -> None:
    async def script(central: Written) -> None:
        await central.answers(HEARTBEAT)

    async with central_system(script) as url, ScriptedStation(url, "CP7") as station:
        await station.call("Heartbeat")
        await station.sever()
        assert not station.connected
        await station.connect()
        await station.call("Heartbeat")
        assert len(station.transcript.said(">>")) == 2
