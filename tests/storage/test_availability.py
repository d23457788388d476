"""Connectors: the last word counts, the history is in the events (handbook §3.2.9, §3.3.2)."""

import pytest

from stationmaster.domain.facts import AvailabilityRequested
from stationmaster.storage import Storage
from tests.storage.facts import at, head, place, status


def requested(operative: bool, answer: str, connector: int = 1) -> AvailabilityRequested:
    return AvailabilityRequested(**head("CP1"), location=place("CP1", connector), operative=operative, status=answer)


async def test_the_last_status_of_each_connector_counts(storage: Storage) -> None:
    await storage.record([status("Available", connector=n) for n in (2, 1, 0)])
    await storage.record([status("Preparing", seconds=1), status("Charging", seconds=2, error_code="x", info="i")])
    found = await storage.connectors.of("CP1")
    assert [(item.evse_id, item.connector_id, item.status) for item in found] == [
        (None, None, "Available"),
        (1, 1, "Charging"),
        (2, 1, "Available"),
    ]
    assert (found[1].error_code, found[1].info, found[1].reported_at) == ("x", "i", at(2))
    assert [item.data["status"] for item in (await storage.events.find(station_id="CP1")).items][:2] == [
        "Charging",
        "Preparing",
    ]


async def test_an_older_time_does_not_make_an_older_status(storage: Storage) -> None:
    """Messages come in the order of events, whatever the station's clock says."""
    await storage.record([status("Charging", seconds=100)])
    await storage.record([status("Finishing", seconds=50)])
    assert [item.status for item in await storage.connectors.of("CP1")] == ["Finishing"]


async def test_what_was_asked_for_stays_beside_what_is(storage: Storage) -> None:
    await storage.record([requested(operative=False, answer="Scheduled")])
    await storage.record([status("Charging")])
    await storage.record([requested(operative=True, answer="Accepted", connector=0)])
    station, first = await storage.connectors.of("CP1")
    assert (station.desired_operative, station.availability_status, station.status) == (True, "Accepted", None)
    assert (first.desired_operative, first.availability_status, first.status) == (False, "Scheduled", "Charging")


@pytest.mark.parametrize(
    ("operative", "unfit", "fit"), [(False, "Finishing", "Unavailable"), (True, "Unavailable", "Available")]
)
async def test_a_change_that_was_scheduled_is_pending_until_a_status_shows_it(
    storage: Storage, operative: bool, unfit: str, fit: str
) -> None:
    async def answer() -> str | None:
        return (await storage.connectors.of("CP1"))[0].availability_status

    await storage.record([status(unfit), requested(operative=operative, answer="Scheduled")])
    await storage.record([status(unfit)])
    assert await answer() == "Scheduled"
    await storage.record([status(fit)])
    assert await answer() == "Accepted"
    await storage.record([requested(operative=operative, answer="Rejected"), status(fit)])
    assert await answer() == "Rejected"


async def test_connectors_of_several_stations(storage: Storage) -> None:
    await storage.record([status("Available", "CP1"), status("Available", "CP2"), status("Faulted", "CP2", 2)])
    found = await storage.connectors.of_stations(["CP1", "CP2", "CP3"])
    assert {station_id: len(items) for station_id, items in found.items()} == {"CP1": 1, "CP2": 2, "CP3": 0}
