"""What happens to notes when there are too many."""

from stationmaster.domain.facts import StationSeen
from stationmaster.storage.notes import Notes
from tests.storage.facts import head, logged


def test_notes_are_taken_oldest_first_the_log_last() -> None:
    notes = Notes()
    frames = [logged(f"{i}") for i in range(3)]
    seen = StationSeen(**head("CP1"))
    for fact in (*frames, seen):
        notes.add(fact)
    assert len(notes) == 4
    assert notes.take(2) == [seen, frames[0]]
    assert notes.take(9) == frames[1:]
    assert not notes


def test_too_many_frames_push_out_the_oldest() -> None:
    notes = Notes(max_messages=2)
    frames = [logged(f"{i}") for i in range(5)]
    for fact in frames:
        notes.add(fact)
    assert notes.dropped == 3
    assert notes.take(9) == frames[3:]


def test_too_large_frames_push_out_the_oldest_answers_counted() -> None:
    notes = Notes(max_bytes=100)
    for frame in ("a" * 60, "b" * 30, "c" * 20):
        notes.add(logged(frame, answer="d" * 10))
    assert notes.dropped == 1
    assert [fact.frame[0] for fact in notes.take(9)] == ["b", "c"]  # type: ignore[attr-defined]  # they are frames
    for _ in range(9):
        notes.add(logged("e" * 10))
    assert notes.dropped == 1


def test_what_is_put_back_comes_first_again_and_is_the_first_to_go() -> None:
    notes = Notes(max_messages=3)
    frames = [logged(f"{i}") for i in range(4)]
    seen = StationSeen(**head("CP1"))
    for fact in (frames[0], frames[1], seen):
        notes.add(fact)
    taken = notes.take(9)
    for fact in frames[2:]:
        notes.add(fact)
    notes.put_back(taken)
    assert notes.dropped == 1
    assert notes.take(9) == [seen, *frames[1:]]


def test_other_notes_are_turned_away_when_even_they_are_too_many() -> None:
    notes = Notes(max_others=2)
    for i in range(5):
        notes.add(StationSeen(**head(f"CP{i}")))
    notes.add(logged("frame"))
    assert notes.dropped == 3
    assert [fact.station_id for fact in notes.take(2)] == ["CP0", "CP1"]
