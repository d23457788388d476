"""What is remembered of the secrets that stations were sent: the last of each, of the last stations."""

from stationmaster.gateway.told_secrets import ToldSecrets


def test_each_station_is_remembered_with_what_it_was_sent_and_nothing_else() -> None:
    told = ToldSecrets()
    assert told.of("CP1") == ()
    assert told.add("CP1", {"first"}) == ("first",)
    assert told.add("CP1", ["second", "first"]) == ("first", "second")
    assert (told.of("CP1"), told.of("CP2")) == (("first", "second"), ())


def test_the_oldest_secrets_of_a_station_make_room() -> None:
    told = ToldSecrets()
    for number in range(100):
        told.add("CP1", [f"secret {number}"])
    assert told.of("CP1") == tuple(f"secret {number}" for number in range(68, 100))


def test_the_station_that_was_told_longest_ago_makes_room() -> None:
    told = ToldSecrets(2)
    for station_id in ("CP1", "CP2", "CP1", "CP3"):
        told.add(station_id, ["secret"])
    assert [told.of(station_id) for station_id in ("CP1", "CP2", "CP3")] == [("secret",), (), ("secret",)]
