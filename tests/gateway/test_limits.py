"""Throttling at the door."""

from stationmaster.gateway.limits import Limits, TokenBucket


def test_failures_up_to_the_limit_cost_nothing_and_one_more_the_rest_of_the_minute() -> None:
    limits = Limits(10, 5)
    for moment in range(10):
        assert limits.wait_s("CP1", "a", moment) == 0
        limits.failed("CP1", "a", moment)
    assert limits.wait_s("CP1", "a", 10) == 0
    limits.failed("CP1", "a", 10)
    assert limits.wait_s("CP1", "a", 10) == 50
    assert limits.wait_s("CP1", "a", 59.9) == 1
    assert limits.wait_s("CP1", "a", 60) == 0
    limits.failed("CP1", "a", 61)
    assert limits.wait_s("CP1", "a", 61) == 0


def test_a_pair_is_an_identity_from_an_address() -> None:
    limits = Limits(0, 5)
    limits.failed("CP1", "a", 0)
    assert limits.wait_s("CP1", "a", 1) > 0
    assert limits.wait_s("CP1", "b", 1) == 0
    assert limits.wait_s("CP2", "a", 1) == 0
    limits.succeeded("CP1", "a")
    assert limits.wait_s("CP1", "a", 1) == 0


def test_misbehaviour_weighs_as_much_as_all_failures() -> None:
    limits = Limits(30, 5)
    limits.misbehaved("CP1", "a", 0)
    assert limits.wait_s("CP1", "a", 1) == 59


def test_the_oldest_pairs_are_forgotten() -> None:
    limits = Limits(0, 0, pairs=3)
    for number in range(5):
        limits.failed(f"CP{number}", "a", 0)
        limits.took_over(f"CP{number}", 0)
    assert [limits.wait_s(f"CP{number}", "a", 1) > 0 for number in range(5)] == [False, False, True, True, True]
    assert [limits.takeover_wait_s(f"CP{number}", 1) > 0 for number in range(5)] == [False, False, True, True, True]


def test_the_sixth_replacement_in_a_minute_raises_the_alarm_once() -> None:
    limits = Limits(30, 5)
    alarms = [limits.took_over("CP1", moment) for moment in range(8)]
    assert alarms.index(True) == 5
    assert limits.takeover_wait_s("CP1", 8) > 0
    assert limits.takeover_wait_s("CP1", 100) == 0


def test_a_slow_replacement_now_and_then_is_no_reason() -> None:
    limits = Limits(30, 5)
    assert not any(limits.took_over("CP1", moment * 15) for moment in range(40))


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(2, 3)
    assert [bucket.take(10) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(10.5), bucket.take(10.5)] == [True, False]
    assert [bucket.take(1000) for _ in range(4)] == [True, True, True, False]
