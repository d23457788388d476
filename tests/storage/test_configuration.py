"""Configuration keys as they are read and set (handbook §2.1, §3.3.3, §3.3.7)."""

from stationmaster.domain.facts import ConfigurationReported, ConfigurationValueChanged, VariableValue
from stationmaster.domain.stations import Station
from stationmaster.storage import Storage
from tests.storage.facts import at, booted, connected, head


def report(
    *values: VariableValue, unknown: tuple[str, ...] = (), complete: bool = False, seconds: float = 0
) -> ConfigurationReported:
    return ConfigurationReported(**head("CP1", seconds), values=values, unknown=unknown, complete=complete)


def value(name: str, text: str | None, readonly: bool = False) -> VariableValue:
    return VariableValue("OCPP16", name, text, readonly)


def changed(name: str, text: str | None, status: str = "accepted", seconds: float = 0) -> ConfigurationValueChanged:
    return ConfigurationValueChanged(
        **head("CP1", seconds), component="OCPP16", variable=name, value=text, status=status
    )


async def test_configuration_is_merged_as_it_is_read(storage: Storage) -> None:
    await storage.record([report(value("A", "1"), value("B", None, readonly=True), unknown=("C",), seconds=1)])
    await storage.record([report(value("A", "2"), seconds=2)])
    a, b, c = await storage.configuration.of("CP1")
    assert (a.variable, a.value, a.readonly, a.supported, a.read_at) == ("A", "2", False, True, at(2))
    assert (b.variable, b.value, b.readonly, b.supported) == ("B", None, True, True)
    assert (c.variable, c.value, c.readonly, c.supported) == ("C", None, None, False)
    assert await storage.configuration.of("CP2") == []


async def test_a_complete_report_removes_what_it_does_not_name(storage: Storage) -> None:
    await storage.record([report(value("A", "1"), value("B", "1"), seconds=1), changed("Secret", None, seconds=1)])
    await storage.record([report(value("B", "2"), complete=True, seconds=2)])
    assert [found.variable for found in await storage.configuration.of("CP1")] == ["B", "Secret"]


async def test_a_change_shows_until_it_is_read_back(storage: Storage) -> None:
    await storage.record([report(value("A", "1"), seconds=1)])
    await storage.record(
        [changed("A", "2", "accepted", 2), changed("A", "3", "reboot_required", 3), changed("New", "x")]
    )
    a = await storage.configuration.get("CP1", "OCPP16", "A")
    assert a is not None
    assert (a.value, a.pending_value) == ("2", "3"), "in force is what was accepted"
    assert (a.write_status, a.written_at, a.read_at) == ("reboot_required", at(3), at(1))
    new = await storage.configuration.get("CP1", "OCPP16", "New")
    assert new is not None
    assert (new.readonly, new.supported) == (None, True)
    assert await storage.configuration.get("CP1", "OCPP16", "None") is None


async def test_a_key_is_one_key_however_it_is_spelled(storage: Storage) -> None:
    await storage.record([report(value("HeartbeatInterval", "1"), seconds=1)])
    await storage.record([report(value("heartbeatinterval", "2"), seconds=2)])
    await storage.record([changed("HEARTBEATINTERVAL", "3", seconds=3)])
    (found,) = await storage.configuration.of("CP1")
    assert (found.variable, found.value, found.read_at, found.written_at) == ("HeartbeatInterval", "3", at(2), at(3))
    assert await storage.configuration.get("CP1", "OCPP16", "heartbeatInterval") == found
    await storage.record([report(unknown=("heartbeatINTERVAL",), seconds=4)])
    assert [(each.variable, each.supported) for each in await storage.configuration.of("CP1")] == [
        ("HeartbeatInterval", False)
    ]


async def test_two_spellings_in_one_report_are_one_key(storage: Storage) -> None:
    await storage.record([report(value("a", "1"), value("A", "2"), unknown=("a",), seconds=1)])
    assert [(each.variable, each.value) for each in await storage.configuration.of("CP1")] == [("A", "2")]


async def test_the_spelling_is_the_stations(storage: Storage) -> None:
    """What a person typed gives way to what is told; the echo of a question does not, a whole list does."""

    async def spelling() -> list[str]:
        return [each.variable for each in await storage.configuration.of("CP1")]

    await storage.record([changed("COSTLIMIT", "1", seconds=1)])
    await storage.record([report(value("CostLimit", "1"), seconds=2)])
    assert await spelling() == ["CostLimit"]
    await storage.record([report(value("costlimit", "1"), seconds=3)])
    assert await spelling() == ["CostLimit"]
    await storage.record([report(value("Costlimit", "1"), seconds=4, complete=True)])
    assert await spelling() == ["Costlimit"]


async def test_a_complete_report_removes_what_was_only_set(storage: Storage) -> None:
    """But no secret: stations do not tell those."""
    await storage.record(
        [
            changed("Set", "1", seconds=1),
            changed("Pending", "1", "reboot_required", 1),
            changed("Secret", None, seconds=1),
            changed("SecretPending", None, "reboot_required", 1),
        ]
    )
    await storage.record([changed("Later", "1", seconds=3)])
    await storage.record([report(value("B", "2"), complete=True, seconds=2)])
    assert [each.variable for each in await storage.configuration.of("CP1")] == [
        "B",
        "Later",
        "Secret",
        "SecretPending",
    ]


# What waits for a boot (§3.3.3).


async def held(storage: Storage, station_id: str = "CP1") -> list[tuple[str | None, str | None]]:
    return [(each.value, each.pending_value) for each in await storage.configuration.of(station_id)]


async def waiting(storage: Storage) -> None:
    await storage.record([report(value("A", "1"), seconds=1)])
    await storage.record([changed("a", "2", "reboot_required", 2)])
    assert await held(storage) == [("1", "2")]


async def test_a_boot_brings_what_waited_for_it(storage: Storage) -> None:
    await waiting(storage)
    await storage.record([booted(seconds=1)])
    assert await held(storage) == [("1", "2")], "a boot from before is not the one that is waited for"
    await storage.record([booted(station_id="CP2", seconds=3)])
    assert await held(storage) == [("1", "2")], "nor is that of another station"
    await storage.record([booted(seconds=3)])
    assert await held(storage) == [("2", None)]
    (found,) = await storage.configuration.of("CP1")
    assert (found.read_at, found.written_at) == (at(1), at(2))


async def test_a_boot_that_is_told_again_is_no_boot(storage: Storage) -> None:
    """A station that is not accepted repeats its BootNotification (§1.13)."""
    await storage.stations.create(Station(id="CP1"))
    await storage.record([connected(1, 1), booted("Pending")])
    await waiting(storage)
    await storage.record([booted(seconds=3)])
    assert await held(storage) == [("1", "2")]
    await storage.record([booted(seconds=4)])
    assert await held(storage) == [("2", None)], "it had been accepted, so it has booted"


async def test_a_boot_on_another_connection_is_a_boot(storage: Storage) -> None:
    await storage.stations.create(Station(id="CP1"))
    await storage.record([connected(1, 1), booted("Pending")])
    await waiting(storage)
    await storage.record([connected(2, 2, seconds=3)])
    await storage.record([booted(seconds=4)])
    assert await held(storage) == [("2", None)]


async def test_what_is_read_counts_and_what_waits_goes_on_waiting_unless_it_was_told(storage: Storage) -> None:
    await waiting(storage)
    await storage.record([report(value("A", None), seconds=3)])
    assert await held(storage) == [(None, "2")]
    await storage.record([report(value("A", "1"), seconds=4)])
    assert await held(storage) == [("1", "2")]
    await storage.record([report(value("A", "2"), seconds=5)])
    assert await held(storage) == [("2", None)]


async def test_what_a_station_does_not_know_waits_for_nothing(storage: Storage) -> None:
    await waiting(storage)
    await storage.record([report(unknown=("A",), seconds=3)])
    assert await held(storage) == [(None, None)]


async def test_what_is_accepted_takes_the_place_of_what_waited(storage: Storage) -> None:
    await waiting(storage)
    await storage.record([changed("A", "3", "reboot_required", 3), changed("A", "4", "accepted", 4)])
    assert await held(storage) == [("4", None)]
