"""What is counted with every message: both halves of an exchange, and how long the answer took."""

from typing import Any

from stationmaster.app.figures import OTHER, NodeFigures
from stationmaster.domain.facts import MessageLogged


def logged(direction: str, kind: str, action: str | None = None, **more: Any) -> MessageLogged:
    return MessageLogged(
        organisation_id="o",
        station_id="CP7",
        received_at=1,
        connection_id=1,
        direction=direction,
        kind=kind,
        message_id="1",
        action=action,
        frame="",
        **more,
    )


def test_an_answer_counts_the_other_way() -> None:
    figures = NodeFigures()
    for _ in range(3):
        figures.message(logged("in", "call", "Heartbeat", answer="", answer_kind="call_result", latency_us=2_000))
    figures.message(logged("out", "call", "Reset", answer="", answer_kind="call_error", latency_us=40_000))
    figures.message(logged("in", "unreadable"))
    assert figures.messages == {
        ("in", "call"): 3,
        ("out", "call_result"): 3,
        ("out", "call"): 1,
        ("in", "call_error"): 1,
        ("in", "unreadable"): 1,
    }
    assert {place: sum(histogram.counts) for place, histogram in figures.answers.items()} == {
        ("csms", "Heartbeat"): 3,
        ("station", "Reset"): 1,
    }


def test_actions_that_stations_make_up_share_one_histogram() -> None:
    figures = NodeFigures()
    for number in range(100):
        figures.message(logged("in", "call", f"MadeUp{number}", answer="", answer_kind="call_error", latency_us=1))
    assert list(figures.answers) == [("csms", OTHER)]
    assert len(figures._exchanges) == 1
