"""The clock of a conversation and the calendar: deadlines go by the one, news by the other (decision 0006)."""

from stationmaster.ocpp.v16 import V16
from stationmaster.session.calendar import Calendar
from stationmaster.session.events import CallAnswered, CallReceived, CallSent, FrameSeen, Send
from stationmaster.session.gate import JOB_MEMORY_US, Gate
from stationmaster.session.session import Session
from stationmaster.session.settings import SessionSettings, Side
from tests.playbook import NOTHING, START, Playbook, like, seconds
from tests.session.conftest import answer, call

HOUR_US = 3_600_000_000
HEARTBEAT = '[2,"1","Heartbeat",{}]'
NOON = "2025-03-01T12:00:00Z"


def by_calendar(ahead_us: int, gate: Gate | None = None) -> tuple[Playbook, Calendar]:
    calendar = Calendar(ahead_us)
    return Playbook(Session(V16, Side.CSMS, SessionSettings(), gate, calendar)), calendar


def test_what_is_told_is_told_by_the_calendar() -> None:
    play, _ = by_calendar(HOUR_US)
    play >> HEARTBEAT << like(CallReceived, received_at=START + HOUR_US)
    play >> seconds(2) << NOTHING
    play >> answer("1", "Heartbeat", current_time=NOON) << Send
    play << like(FrameSeen, at=START + HOUR_US, latency_us=2_000_000)
    play >> HEARTBEAT << Send << like(FrameSeen, at=play.now + HOUR_US)
    play >> '[2,"2","Nonsense",{}]' << Send << like(FrameSeen, at=play.now + HOUR_US)
    play >> "rubbish" << NOTHING << like(FrameSeen, at=play.now + HOUR_US)
    play >> "[9]" << NOTHING << like(FrameSeen, at=play.now + HOUR_US)
    play >> call("a", "ClearCache") << Send << CallSent("a", "a", play.now + HOUR_US)
    play << like(FrameSeen, direction="out", at=play.now + HOUR_US)
    play >> seconds(1) << NOTHING
    play >> '[3,"a",{"status":"Accepted"}]' << like(CallAnswered, latency_us=1_000_000)
    play << like(FrameSeen, at=play.now + HOUR_US)


def test_a_calendar_that_is_set_moves_no_deadline() -> None:
    play, calendar = by_calendar(0)
    play >> call("a", "ClearCache") << Send << CallSent
    deadline = play.session.next_deadline()
    for ahead_us in (HOUR_US, -HOUR_US):
        calendar.ahead_us = ahead_us
        play >> seconds(1) << NOTHING
        assert play.session.next_deadline() == deadline
    play >> '[3,"a",{"status":"Accepted"}]' << like(CallAnswered, latency_us=2_000_000)


def test_the_gate_remembers_jobs_by_the_calendar() -> None:
    """They come from before this connection, and from other nodes."""
    ahead_us = 2 * JOB_MEMORY_US
    gate = Gate("Pending", None, accepted_before=False, job_sent_at={"UpdateFirmware": START + ahead_us - HOUR_US})
    play, calendar = by_calendar(ahead_us, gate)
    play >> '[2,"1","FirmwareStatusNotification",{"status":"Downloading"}]' << CallReceived
    calendar.ahead_us += JOB_MEMORY_US
    play >> '[2,"2","FirmwareStatusNotification",{"status":"Downloading"}]' << Send
