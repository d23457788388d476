"""A histogram counts as Prometheus does: a bucket holds everything that is not above its bound."""

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.app.histogram import Histogram


def test_a_value_on_the_bound_is_in_the_bucket() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(value)
    assert histogram.buckets() == [("1.0", 2), ("2.0", 4), ("+Inf", 5)]
    assert histogram.total == 7.5


@given(st.lists(st.floats(0, 10)))
def test_every_bucket_is_what_counting_by_hand_gives(values: list[float]) -> None:
    histogram = Histogram((0.1, 1, 5))
    for value in values:
        histogram.observe(value)
    for bound, count in histogram.buckets():
        assert count == sum(value <= float(bound) for value in values)
