"""CALLs of the station: each is answered exactly once, whatever it is (handbook §1.4 to §1.9)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.ocpp.errors import ErrorCode, OcppError
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import CallReceived, Close, FrameSeen, OddityTolerated, Send
from tests.playbook import BINARY, NOTHING, Playbook, like, seconds
from tests.session.conftest import answer, central, closed, refuse, station

HEARTBEAT = '[2,"1","Heartbeat",{}]'
NOON = "2025-03-01T12:00:00Z"


def test_a_call_is_received_and_answered(play: Playbook) -> None:
    play >> HEARTBEAT << like(CallReceived, message_id="1", action="Heartbeat", payload=b"{}", oddities=())
    play >> answer("1", "Heartbeat", current_time=NOON) << f'[3,"1",{{"currentTime":"{NOON}"}}]'
    play.finished()


def test_the_exchange_is_told_to_the_message_log_when_it_is_complete(play: Playbook) -> None:
    play >> HEARTBEAT << CallReceived
    assert play.frames == []
    play >> seconds(0.25) << NOTHING
    play >> answer("1", "Heartbeat", current_time=NOON) << Send
    play << like(
        FrameSeen, direction="in", kind="call", action="Heartbeat", text=HEARTBEAT, latency_us=250_000, answers=False
    )
    assert play.last.answer_kind == "call_result"
    assert json.loads(play.last.answer) == [3, "1", {"currentTime": NOON}]


def test_null_means_an_empty_payload(play: Playbook) -> None:
    play >> '[2,"1","Heartbeat",null]' << like(CallReceived, action="Heartbeat")


def test_calls_are_taken_while_others_are_being_processed_and_answered_in_any_order(play: Playbook) -> None:
    play >> HEARTBEAT << CallReceived
    play >> '[2,"2","Heartbeat",{}]' << CallReceived
    play >> answer("2", "Heartbeat", current_time=NOON) << f'[3,"2",{{"currentTime":"{NOON}"}}]'
    play >> answer("1", "Heartbeat", current_time=NOON) << f'[3,"1",{{"currentTime":"{NOON}"}}]'


def test_a_handler_may_refuse(play: Playbook) -> None:
    play >> HEARTBEAT << CallReceived
    play >> refuse("1", ErrorCode.INTERNAL_ERROR, "try again") << '[4,"1","InternalError","try again",{}]'
    play << like(FrameSeen, answer_kind="call_error", error_code="InternalError")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"1","MakeCoffee",{}]', "NotImplemented"),
        ('[2,"1","Reset",{"type":"Soft"}]', "NotSupported"),
        ('[2,"1","Authorize",[]]', "FormationViolation"),
        ('[2,"1","Authorize","no"]', "FormationViolation"),
        ('[2,"1","DataTransfer",{}]', "ProtocolError"),
        ('[2,"1"]', "FormationViolation"),
        ('[2,"1","Heartbeat"]', "FormationViolation"),
        ('[2,"1","Heartbeat",{},{}]', "FormationViolation"),
        ('[2,"1",7,{}]', "FormationViolation"),
    ],
)
def test_what_cannot_be_served_gets_a_callerror_with_its_id(play: Playbook, frame: str, code: str) -> None:
    play >> frame << Send
    kind, message_id, said, description, details = json.loads(play.last.text)
    assert (kind, message_id, said) == (4, "1", code)
    assert isinstance(description, str)
    assert isinstance(details, dict)
    play << like(FrameSeen, direction="in", text=frame, answer=play.last.text, answer_kind="call_error")
    play >> HEARTBEAT.replace('"1"', '"2"') << CallReceived  # the conversation goes on


@pytest.mark.parametrize(
    "frame",
    ["", "   ", "\n"],
)
def test_an_empty_frame_is_ignored(play: Playbook, frame: str) -> None:
    for _ in range(50):  # and never counts as an offence
        play >> frame << NOTHING << like(FrameSeen, kind="ignored")


@pytest.mark.parametrize("frame", ["hello", "{}", "[]", "[2]", "null", '"2"', "[" * 100_000, "[2,", "\ufeff["])
def test_what_cannot_be_answered_is_logged_and_not_answered(play: Playbook, frame: str) -> None:
    play >> frame << NOTHING << like(FrameSeen, kind="unreadable", text=frame)
    play >> HEARTBEAT << CallReceived


@pytest.mark.parametrize("frame", ['[1,"1",{}]', '[5,"1",{}]', '["2","1","Heartbeat",{}]', '[2.5,"1","Heartbeat",{}]'])
def test_an_unknown_type_number_is_ignored(play: Playbook, frame: str) -> None:
    play >> frame << NOTHING << like(FrameSeen, kind="ignored")


@pytest.mark.parametrize("frame", ['[3,"1",{}]', '[4,"1","GenericError","",{}]', '[4,"1","GenericError"]'])
def test_an_answer_nobody_waits_for_is_ignored(play: Playbook, frame: str) -> None:
    play >> frame << NOTHING << like(FrameSeen, direction="in", answers=False)


def test_an_integer_id_is_tolerated_and_echoed_as_an_integer(play: Playbook) -> None:
    play >> '[2,17,"Heartbeat",{}]' << like(CallReceived, message_id=17) << OddityTolerated
    play >> answer(17, "Heartbeat", current_time=NOON) << f'[3,17,{{"currentTime":"{NOON}"}}]'


def test_an_integer_id_is_refused_in_strict_mode() -> None:
    play = central(strict=True)
    play >> '[2,17,"Heartbeat",{}]' << like(Send)
    assert json.loads(play.last.text)[:3] == [4, 17, "FormationViolation"]


def test_an_id_over_36_characters_is_tolerated_unless_strict() -> None:
    frame = f'[2,"{"x" * 37}","Heartbeat",{{}}]'
    central() >> frame << CallReceived << OddityTolerated
    play = central(strict=True) >> frame << Send
    assert json.loads(play.last.text)[2] == "FormationViolation"


START_TRANSACTION = (
    '"StartTransaction",{"connectorId":1,"idTag":"A","meterStart":1,"timestamp":"2025-03-01T12:00:00Z"}]'
)
STOP_TRANSACTION = '"StopTransaction",{"transactionId":5,"meterStop":1,"timestamp":"2025-03-01T12:00:00Z"}]'
ODD_FRAMES_ABOUT_TRANSACTIONS = (
    ("[2,77," + START_TRANSACTION, "integer_id"),
    (f'[2,"{"y" * 40}",' + STOP_TRANSACTION, "long_id"),
    ('[2,"nul",' + START_TRANSACTION.replace('"A"', '"A\0"'), "invalid_characters"),
    ('\ufeff[2,"m","MeterValues",{"connectorId":1,"meterValue":[]}]', "byte_order_mark"),
)


@pytest.mark.parametrize(("frame", "kind"), ODD_FRAMES_ABOUT_TRANSACTIONS)
def test_what_transactions_say_is_never_refused_for_the_form_of_its_frame(frame: str, kind: str) -> None:
    for settings in ({"strict": True}, {"banned_oddities": frozenset({kind})}):
        central(**settings) >> frame << CallReceived << like(OddityTolerated, kind=kind)


def test_oddities_of_the_payload_are_told(play: Playbook) -> None:
    play >> '[2,"1","Authorize",{"idTag":"A","colour":"red"}]' << CallReceived
    play << like(OddityTolerated, kind="extra_field", action="Authorize")


# The same id again (§1.9)


def test_a_repeated_call_gets_the_stored_answer(play: Playbook) -> None:
    play >> HEARTBEAT << CallReceived
    play >> answer("1", "Heartbeat", current_time=NOON) << Send
    first = play.last.text
    play >> seconds(5) << NOTHING
    play >> HEARTBEAT << Send(first)
    play << like(FrameSeen, text=HEARTBEAT, answer=first, answer_kind="call_result")


def test_a_repeated_call_with_an_empty_answer_gets_it_again(play: Playbook) -> None:
    frame = '[2,"m-1","MeterValues",{"connectorId":1,"meterValue":[]}]'
    play >> frame << CallReceived
    play >> answer("m-1", "MeterValues") << '[3,"m-1",{}]'
    play >> frame << '[3,"m-1",{}]'


def test_a_repeated_integer_id_gets_the_stored_answer(play: Playbook) -> None:
    play >> '[2,5,"Heartbeat",{}]' << CallReceived
    play >> answer(5, "Heartbeat", current_time=NOON) << Send
    play >> '[2,5,"Heartbeat",{}]' << f'[3,5,{{"currentTime":"{NOON}"}}]'


def test_a_repeat_while_the_first_is_processed_has_one_answer(play: Playbook) -> None:
    play >> HEARTBEAT << CallReceived
    play >> HEARTBEAT << NOTHING << FrameSeen
    play >> answer("1", "Heartbeat", current_time=NOON) << Send
    play.finished()


def test_a_used_id_with_other_content_is_a_protocol_error(play: Playbook) -> None:
    play >> HEARTBEAT << CallReceived
    play >> answer("1", "Heartbeat", current_time=NOON) << Send
    play >> '[2,"1","Authorize",{"idTag":"A"}]' << Send
    assert json.loads(play.last.text)[:3] == [4, "1", "ProtocolError"]
    play >> HEARTBEAT << f'[3,"1",{{"currentTime":"{NOON}"}}]'  # the first one is still known


def test_the_id_of_what_is_still_processed_with_other_content_is_one_too(play: Playbook) -> None:
    play >> HEARTBEAT << CallReceived
    play >> '[2,"1","Authorize",{"idTag":"A"}]' << Send
    assert json.loads(play.last.text)[:3] == [4, "1", "ProtocolError"]
    play >> answer("1", "Heartbeat", current_time=NOON) << f'[3,"1",{{"currentTime":"{NOON}"}}]'


def test_the_id_of_a_refused_call_with_other_content_is_one_too(play: Playbook) -> None:
    play >> '[2,"1","MakeCoffee",{}]' << Send
    play >> HEARTBEAT << Send
    assert json.loads(play.last.text)[:3] == [4, "1", "ProtocolError"]


def test_a_used_id_may_be_tolerated_as_a_quirk() -> None:
    play = central(reused_ids=True)
    play >> HEARTBEAT << CallReceived
    play >> answer("1", "Heartbeat", current_time=NOON) << Send
    play >> '[2,"1","Authorize",{"idTag":"A"}]' << like(CallReceived, action="Authorize")


def test_a_refusal_is_repeated_too(play: Playbook) -> None:
    play >> '[2,"1","MakeCoffee",{}]' << Send
    first = play.last
    play >> '[2,"1","MakeCoffee",{}]' << first


def test_a_repeat_after_our_own_failure_is_a_new_chance(play: Playbook) -> None:
    play >> HEARTBEAT << CallReceived
    play >> refuse("1", ErrorCode.INTERNAL_ERROR) << Send
    play >> HEARTBEAT << CallReceived


def test_an_empty_id_identifies_nothing(play: Playbook) -> None:
    play >> '[2,"","Heartbeat",{}]' << like(CallReceived, message_id="")
    play >> answer("", "Heartbeat", current_time=NOON) << Send
    play >> '[2,"","Authorize",{"idTag":"A"}]' << like(CallReceived, action="Authorize")
    play >> '[2,"","Heartbeat",{}]' << Send  # one answer at a time can be owed to it
    assert json.loads(play.last.text)[:3] == [4, "", "ProtocolError"]


def test_the_last_thousand_ids_are_remembered_and_older_ones_forgotten() -> None:
    play = central()
    for number in range(1001):
        play >> f'[2,"{number}","Heartbeat",{{}}]' << CallReceived
        play >> answer(str(number), "Heartbeat", current_time=NOON) << Send
    play >> '[2,"1","Heartbeat",{}]' << Send
    play >> '[2,"0","Heartbeat",{}]' << CallReceived


def test_an_answer_that_comes_after_its_place_was_reused_spoils_nothing() -> None:
    play = central(remembered_calls=2)
    for number in range(3):
        play >> f'[2,"{number}","Heartbeat",{{}}]' << CallReceived
    for number in range(3):
        play >> answer(str(number), "Heartbeat", current_time=NOON) << f'[3,"{number}",{{"currentTime":"{NOON}"}}]'
    play >> '[2,"2","Heartbeat",{}]' << f'[3,"2",{{"currentTime":"{NOON}"}}]'
    play >> '[2,"0","Heartbeat",{}]' << CallReceived


# Floods (§1.9, last rows)


def test_a_flood_of_malformed_frames_closes_with_1008(play: Playbook) -> None:
    for _ in range(20):
        play >> "rubbish" << NOTHING
    play >> "rubbish" << like(Close, code=1008)
    play >> HEARTBEAT << NOTHING


def test_broken_calls_count_as_malformed_and_are_answered_before_the_close(play: Playbook) -> None:
    for _ in range(20):
        play >> '[2,"1"]' << Send
    play >> '[2,"1"]' << Send << like(Close, code=1008)


def test_malformed_frames_spread_over_time_do_not_close(play: Playbook) -> None:
    for _ in range(100):
        play >> seconds(3.1) << NOTHING
        play >> "rubbish" << NOTHING


def test_binary_frames_are_ignored_twice_and_close_with_1003_the_third_time(play: Playbook) -> None:
    play >> BINARY << NOTHING << like(FrameSeen, kind="binary", text="\0\\xff")
    play >> BINARY << NOTHING
    play >> BINARY << like(Close, code=1003)
    play >> BINARY << NOTHING


# Anything at all

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda children: st.one_of(
        st.lists(children, max_size=3), st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=8,
)
message_ids = st.one_of(st.sampled_from(["", "1", "2", "x" * 40]), st.integers(0, 3), json_values)
frames_of_any_kind = st.one_of(
    st.text(max_size=30),
    st.builds(lambda *parts: json.dumps(parts), st.integers(1, 5), message_ids, json_values),
    st.builds(
        lambda message_id, action, payload: json.dumps([2, message_id, action, payload]),
        message_ids,
        st.one_of(st.sampled_from(sorted(V16.actions)), json_values),
        json_values,
    ),
)


@given(st.lists(frames_of_any_kind, max_size=25), st.booleans(), st.booleans())
def test_whatever_arrives_nothing_raises_and_every_call_has_at_most_one_answer(
    texts: list[str], strict: bool, at_the_station: bool
) -> None:
    play = station(strict=strict) if at_the_station else central(strict=strict)
    owed: list[str | int] = []
    for text in texts:
        effects = play.session.receive(text, play.now)
        answers = [effect for effect in effects if isinstance(effect, Send)]
        received = [effect for effect in effects if isinstance(effect, CallReceived)]
        assert len(answers) + len(received) <= 1
        assert sum(isinstance(effect, FrameSeen) for effect in effects) + len(received) == (1 if effects else 0)
        for answer_sent in answers:
            assert json.loads(answer_sent.text)[0] in (3, 4)
        owed += [effect.message_id for effect in received]
    if play.session.is_open:
        for message_id in owed:
            refuse(message_id, ErrorCode.GENERIC_ERROR)(play.session, play.now)
        assert play.session.unanswered == 0


# Our own faults


def test_an_answer_that_breaks_the_protocol_never_leaves_and_is_still_owed(play: Playbook) -> None:
    play >> HEARTBEAT << CallReceived
    broken = V16.actions["Authorize"].response(id_tag_info=None)
    with pytest.raises(OcppError):
        play.session.answer("1", broken, play.now)
    play >> refuse("1", ErrorCode.INTERNAL_ERROR) << Send


@pytest.mark.parametrize("member", ["code", "description"])
def test_a_fault_in_the_error_itself_still_answers(play: Playbook, member: str) -> None:
    error = OcppError(ErrorCode.GENERIC_ERROR)
    setattr(error, member, object())
    play >> '[2,"\\u00e4\\"","Heartbeat",{}]' << CallReceived
    play >> (lambda session, now: session.refuse('ä"', error, now)) << '[4,"\\u00e4\\"","InternalError","",{}]'


def test_answering_what_was_not_asked_is_an_error_of_the_owner(play: Playbook) -> None:
    with pytest.raises(KeyError):
        play.session.refuse("nobody", OcppError(ErrorCode.INTERNAL_ERROR), play.now)


def test_after_the_close_answers_go_nowhere_and_the_log_still_hears_of_the_call(play: Playbook) -> None:
    play >> HEARTBEAT << CallReceived
    play >> closed << NOTHING << like(FrameSeen, text=HEARTBEAT, answer=None)
    play >> answer("1", "Heartbeat", current_time=NOON) << NOTHING
    play >> refuse("1", ErrorCode.INTERNAL_ERROR) << NOTHING
    play >> HEARTBEAT << NOTHING


def test_the_station_end_takes_commands_and_refuses_what_only_stations_send() -> None:
    play = station()
    play >> '[2,"1","Reset",{"type":"Soft"}]' << like(CallReceived, action="Reset")
    play >> answer("1", "Reset", status="Accepted") << '[3,"1",{"status":"Accepted"}]'
    play >> '[2,"2","Heartbeat",{}]' << Send
    assert json.loads(play.last.text)[2] == "NotSupported"
