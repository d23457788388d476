"""Our own CALLs: one in flight, the rest in order, each key ends exactly once (handbook §1.6, §1.7)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.session.events import (
    CallAnswered,
    CallAnsweredLate,
    CallFailed,
    CallReceived,
    CallSent,
    Effect,
    FrameSeen,
    Send,
)
from stationmaster.session.gate import Gate
from tests.playbook import NOTHING, START, Playbook, like, seconds
from tests.session.conftest import answer, call, central, closed, station

CLEAR = ("ClearCache",)
ACCEPTED = '[3,"{}",{{"status":"Accepted"}}]'


def accepted(message_id: str) -> str:
    return ACCEPTED.format(message_id)


def test_a_call_is_sent_and_answered(play: Playbook) -> None:
    play >> call("a", "ClearCache") << '[2,"a","ClearCache",{}]' << CallSent("a", "a", START)
    play << like(FrameSeen, direction="out", kind="call", action="ClearCache")
    play >> seconds(1.5) << NOTHING
    play >> accepted("a") << like(CallAnswered, key="a", action="ClearCache", latency_us=1_500_000)
    assert play.last.response.status == "Accepted"
    assert json.loads(play.last.payload) == {"status": "Accepted"}
    play << like(FrameSeen, direction="in", kind="call_result", answers=True, latency_us=1_500_000)


def test_the_key_is_the_callers_and_the_message_id_is_the_wires(play: Playbook) -> None:
    play >> call("job-7", "ClearCache", message_id="uuid") << '[2,"uuid","ClearCache",{}]'
    play << like(CallSent, key="job-7", message_id="uuid")
    play >> accepted("uuid") << like(CallAnswered, key="job-7")


def test_one_call_is_in_flight_and_the_others_follow_in_order(play: Playbook) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    play >> call("b", "GetLocalListVersion") << NOTHING
    play >> call("c", "ClearCache") << NOTHING
    play >> accepted("a") << CallAnswered << '[2,"b","GetLocalListVersion",{}]' << like(CallSent, key="b")
    play >> '[3,"b",{"listVersion":3}]' << CallAnswered << '[2,"c","ClearCache",{}]' << like(CallSent, key="c")
    play >> accepted("c") << CallAnswered
    play.finished()


def test_the_operators_lane_goes_first(play: Playbook) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    play >> call("slow", "ClearCache") << NOTHING
    play >> call("urgent", "ClearCache", priority=True) << NOTHING
    play >> accepted("a") << CallAnswered << Send << like(CallSent, key="urgent")


def test_a_call_of_the_station_is_served_while_ours_is_in_flight(play: Playbook) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    play >> '[2,"a","Heartbeat",{}]' << CallReceived  # the same id in the other direction is another id
    play >> answer("a", "Heartbeat", current_time="2025-03-01T12:00:00Z") << Send
    play >> accepted("a") << CallAnswered


def test_a_callerror_is_a_result(play: Playbook) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    play >> '[4,"a","NotSupported","no cache",{"why":"none"}]'
    play << CallFailed("a", "ClearCache", "error", "NotSupported", "no cache", b'{"why":"none"}')


@pytest.mark.parametrize(
    "frame", ['[4,"a","NotSupported"]', '[4,"a","NotSupported",""]', '[4,"a","NotSupported","",null]']
)
def test_a_callerror_may_lack_description_and_details(play: Playbook, frame: str) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    play >> frame << like(CallFailed, state="error", code="NotSupported", description="")


def test_an_answer_that_fails_the_schema_ends_as_invalid_response(play: Playbook) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    play >> '[3,"a",{"status":{"deep":1}}]' << like(CallFailed, key="a", state="invalid_response")
    assert json.loads(play.last.payload) == {"status": {"deep": 1}}
    play >> call("b", "ClearCache") << Send << CallSent  # nothing was sent to the station about it


def test_a_timeout_frees_the_slot_and_keeps_the_connection(play: Playbook) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    play >> call("b", "ClearCache") << NOTHING
    play >> seconds(29.9) << NOTHING
    play >> seconds(0.1) << like(CallFailed, key="a", state="timeout") << Send << like(CallSent, key="b")


def test_a_late_answer_is_told_apart_and_answers_nothing(play: Playbook) -> None:
    play >> call("a", "ClearCache", timeout_s=5) << Send << CallSent
    play >> seconds(5) << like(CallFailed, state="timeout")
    play >> seconds(2) << NOTHING
    play >> accepted("a") << CallAnsweredLate("a", "ClearCache", b'{"status":"Accepted"}', 7_000_000)
    play >> accepted("a") << NOTHING << like(FrameSeen, answers=False)


def test_only_some_overdue_calls_are_remembered(play: Playbook) -> None:
    for number in range(20):
        play >> call(f"k{number}", "ClearCache", timeout_s=1) << Send << CallSent
        play >> seconds(1) << like(CallFailed, state="timeout")
    play >> accepted("k3") << NOTHING
    play >> '[4,"k19","GenericError","",{}]' << like(CallAnsweredLate, key="k19", payload=None)


def test_an_answer_with_a_foreign_id_leaves_the_call_in_flight(play: Playbook) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    play >> accepted("b") << NOTHING
    play >> '[3,0,{"status":"Accepted"}]' << NOTHING
    play >> accepted("a") << CallAnswered


def test_what_waits_too_long_expires_unsent(play: Playbook) -> None:
    play >> call("a", "ClearCache", timeout_s=600) << Send << CallSent
    play >> call("b", "ClearCache") << NOTHING
    play >> call("c", "ClearCache", expires_at=START + 10_000_000) << NOTHING
    play >> seconds(10) << like(CallFailed, key="c", state="expired")
    play >> seconds(290) << like(CallFailed, key="b", state="expired")
    play >> accepted("a") << CallAnswered
    play.finished()


def test_an_expiry_of_its_own_never_lengthens_the_wait(play: Playbook) -> None:
    play >> call("a", "ClearCache", timeout_s=600) << Send << CallSent
    play >> call("b", "ClearCache", expires_at=START + 10**12) << NOTHING
    play >> seconds(300) << like(CallFailed, key="b", state="expired")


def test_a_call_whose_time_is_over_before_it_starts_is_never_sent(play: Playbook) -> None:
    play >> call("a", "ClearCache", expires_at=START) << like(CallFailed, key="a", state="expired")


def test_the_queue_is_bounded() -> None:
    play = central(queue_limit=2)
    play >> call("a", "ClearCache") << Send << CallSent
    play >> call("b", "ClearCache") << NOTHING
    play >> call("c", "ClearCache") << NOTHING
    play >> call("d", "ClearCache") << like(CallFailed, key="d", state="not_delivered", code="queue_full")


def test_a_waiting_call_can_be_taken_back_and_a_sent_one_cannot(play: Playbook) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    play >> call("b", "ClearCache") << NOTHING
    play >> (lambda session, now: session.cancel("b", now)) << like(CallFailed, key="b", state="cancelled")
    play >> (lambda session, now: session.cancel("a", now)) << NOTHING
    play >> (lambda session, now: session.cancel("nobody", now)) << NOTHING
    play >> accepted("a") << CallAnswered
    play.finished()


def test_a_key_in_use_is_an_error_of_the_owner(play: Playbook) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    with pytest.raises(ValueError, match="in use"):
        call("a", "ClearCache")(play.session, play.now)


def test_closing_fails_everything_and_says_what_is_known(play: Playbook) -> None:
    play >> call("a", "ClearCache") << Send << CallSent
    play >> call("b", "ClearCache") << NOTHING
    play >> closed << like(CallFailed, key="a", state="not_delivered", code="outcome_unknown")
    play << like(CallFailed, key="b", state="not_delivered", code="not_sent")
    play >> closed << NOTHING
    play >> call("c", "ClearCache") << like(CallFailed, key="c", state="not_delivered", code="offline")
    play >> seconds(1000) << NOTHING


def test_the_next_deadline_is_the_earliest_of_all(play: Playbook) -> None:
    assert play.session.next_deadline() is None
    play >> call("a", "ClearCache") << Send << CallSent
    assert play.session.next_deadline() == START + 30_000_000
    play >> call("b", "ClearCache", expires_at=START + 7_000_000) << NOTHING
    assert play.session.next_deadline() == START + 7_000_000
    play >> accepted("a") << CallAnswered << Send << CallSent
    play >> accepted("b") << CallAnswered
    assert play.session.next_deadline() is None


def test_omitted_stays_omitted_and_empty_stays_empty(play: Playbook) -> None:
    play >> call("a", "ChangeConfiguration", {"key": "LocalPreAuthorize", "value": ""})
    play << '[2,"a","ChangeConfiguration",{"key":"LocalPreAuthorize","value":""}]' << CallSent
    play >> closed << CallFailed


def test_the_gate_is_asked_when_a_call_is_made_and_again_when_its_turn_comes() -> None:
    gate = Gate("Accepted", "Accepted", accepted_before=True)
    play = central(gate)
    start: dict[str, Any] = {"idTag": "A"}
    play >> call("a", "ClearCache") << Send << CallSent
    play >> call("b", "RemoteStartTransaction", start) << NOTHING
    gate.booted("Pending")
    play >> call("c", "RemoteStartTransaction", start) << like(CallFailed, key="c", code="not_accepted")
    play >> accepted("a") << CallAnswered << like(CallFailed, key="b", state="not_delivered", code="not_accepted")
    play >> call("d", "ClearCache") << Send << CallSent


def test_the_station_end_asks_in_its_own_words() -> None:
    play = station()
    request = play.session.protocol.actions["Heartbeat"].request()
    play >> (lambda session, now: session.call("h", "Heartbeat", request, now, message_id="h"))
    play << '[2,"h","Heartbeat",{}]' << CallSent
    play >> '[3,"h",{"currentTime":"2025-03-01T12:00:00Z"}]' << like(CallAnswered, action="Heartbeat")


@given(
    st.lists(st.sampled_from(sorted(["call", "answer", "error", "wrong", "tick", "cancel", "priority"])), max_size=60)
)
def test_never_two_in_flight_and_every_key_ends_exactly_once(steps: list[str]) -> None:
    play = central(queue_limit=5)
    in_flight: list[str] = []
    ended: list[str] = []
    asked: list[str] = []

    def happens(step: str, number: int) -> list[Effect]:
        session, now = play.session, play.now
        current = in_flight[0] if in_flight else "none"
        if step in {"call", "priority"}:
            asked.append(f"k{number}")
            return call(f"k{number}", "ClearCache", priority=step == "priority")(session, now)
        if step == "cancel":
            return session.cancel(asked[number % len(asked)] if asked else "none", now)
        if step == "tick":
            play.now += 20_000_000
            return session.tick(play.now)
        texts = {
            "answer": accepted(current),
            "error": f'[4,"{current}","Gener\\ud800","\\ud800",{{"a":[71.5,1e400,{"9" * 30}],"\\ud800":"\\udfff"}}]',
            "wrong": f'[3,"{current}",7]',
        }
        return session.receive(texts[step], now)

    def note(effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, CallSent):
                assert in_flight == []
                in_flight.append(effect.key)
            elif isinstance(effect, CallAnswered | CallFailed):
                ended.append(effect.key)
                if in_flight == [effect.key]:
                    in_flight.clear()

    for number, step in enumerate(steps):
        play.now += 1_000_000
        note(happens(step, number))
    note(play.session.closed(play.now))
    assert sorted(ended) == sorted(asked)
