"""Who fails too often waits, and nobody else does."""

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.domain.throttling import SignInThrottle

SECOND = 1_000_000
HERE = ("anna", "192.0.2.1")


def failed(throttle: SignInThrottle, times: int, now: int = 0, pair: tuple[str, str] = HERE) -> None:
    for _ in range(times):
        throttle.begin(pair, now)


def test_the_wait_doubles_up_to_its_limit() -> None:
    throttle = SignInThrottle(free=3, longest_s=60)
    waits = []
    for _ in range(11):
        throttle.begin(HERE, 0)
        waits.append(throttle.wait_s(HERE, 0))
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_the_wait_ends_and_is_told_in_whole_seconds() -> None:
    throttle = SignInThrottle(free=0, longest_s=60)
    failed(throttle, 3)
    assert [throttle.wait_s(HERE, at) for at in (0, 1, 3 * SECOND + 1, 4 * SECOND - 1, 4 * SECOND)] == [4, 4, 1, 1, 0]


def test_nobody_else_waits() -> None:
    throttle = SignInThrottle(free=0, longest_s=900)
    failed(throttle, 1000)
    assert throttle.wait_s(HERE, 0) == 900
    assert throttle.wait_s(("anna", "192.0.2.2"), 0) == 0, "the same person elsewhere"
    assert throttle.wait_s(("ben", "192.0.2.1"), 0) == 0, "somebody else at the same address"


def test_a_success_and_an_hour_of_quiet_wipe_the_slate() -> None:
    throttle = SignInThrottle(free=0, longest_s=900)
    failed(throttle, 5)
    throttle.succeeded(HERE)
    assert throttle.wait_s(HERE, 0) == 0
    failed(throttle, 5)
    assert throttle.wait_s(HERE, 3600 * SECOND) == 0
    assert throttle.begin(HERE, 3600 * SECOND) == 1


def test_what_was_neither_failure_nor_success_leaves_the_count_as_it_was() -> None:
    throttle = SignInThrottle(free=2, longest_s=900)
    failed(throttle, 3)
    throttle.begin(HERE, 0)
    throttle.withdraw(HERE)
    assert throttle.wait_s(HERE, 0) == 1
    throttle.withdraw(("nobody", "nowhere"))
    assert throttle.begin(("nobody", "nowhere"), 0) == 1


def test_memory_is_bounded() -> None:
    throttle = SignInThrottle(free=0, longest_s=900, pairs=10)
    for number in range(100):
        throttle.begin(("anna", f"192.0.2.{number}"), 0)
    waiting = [number for number in range(100) if throttle.wait_s(("anna", f"192.0.2.{number}"), 0)]
    assert waiting == list(range(90, 100))


@given(st.lists(st.integers(0, 2000), max_size=60))
def test_an_attacker_who_never_rests_gets_few_tries(gaps: list[int]) -> None:
    throttle = SignInThrottle(free=5, longest_s=900)
    now = tries = 0
    for gap in gaps:
        now += gap * SECOND
        if not throttle.wait_s(HERE, now):
            throttle.begin(HERE, now)
            tries += 1
    # Five at once, ten more while the wait grows to 900 s, then one in 900 s; an hour of quiet gives five again.
    assert tries <= 5 + 10 + now // (900 * SECOND) + 6 * (now // (3600 * SECOND))
