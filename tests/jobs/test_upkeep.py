"""Upkeep: what is old goes, what is young stays, and the message log keeps to its size."""

from stationmaster.app.databases import open_storage
from stationmaster.domain.facts import ConnectorStatusChanged, HandshakeRefused, MessageLogged
from stationmaster.domain.locations import Location
from stationmaster.instants import Instant
from stationmaster.jobs.upkeep import DAY_US, Bounds, Upkeep

NOW: Instant = 1_740_832_496_000_000
BOUNDS = Bounds(message_days=2, message_bytes=10**9, event_days=3, attempt_days=4)


class Clock:
    now = NOW

    def __call__(self) -> Instant:
        return self.now


def message(text: str, at: Instant) -> MessageLogged:
    return MessageLogged(
        organisation_id="default",
        station_id="CP7",
        received_at=at,
        connection_id=1,
        direction="in",
        kind="call",
        message_id="1",
        action="Heartbeat",
        frame=text,
    )


def status(at: Instant) -> ConnectorStatusChanged:
    return ConnectorStatusChanged(
        organisation_id="default",
        station_id="CP7",
        received_at=at,
        location=Location("CP7", 1, 1),
        status="Available",
        error_code="NoError",
        reported_at=at,
    )


def refusal(at: Instant, address: str) -> HandshakeRefused:
    return HandshakeRefused(
        organisation_id="",
        station_id="CP8",
        received_at=at,
        remote_address=address,
        path="/ocpp/CP8",
        status=404,
        reason="unknown_station",
        detail="nobody registered it",
        known=False,
    )


async def test_what_is_too_old_goes_and_the_rest_stays(database_url: str) -> None:
    clock = Clock()
    storage = await open_storage(database_url, "one", clock)
    try:
        for days in (5, 3.5, 2.5, 1):
            clock.now = NOW - round(days * DAY_US)
            await storage.record(
                [message(f"{days}", clock.now), status(clock.now), refusal(clock.now, f"10.0.0.{round(days * 2)}")]
            )
        clock.now = NOW
        upkeep = Upkeep(storage, BOUNDS)
        assert await upkeep.remove_messages(NOW) == 3
        assert [each.frame for each in (await storage.messages.find()).items] == ["1"]
        await upkeep.remove_events(NOW)
        events = (await storage.events.find(type="connector.status")).items
        assert [each.received_at for each in events] == [NOW - DAY_US, NOW - round(2.5 * DAY_US)]
        await upkeep.remove_seen(NOW)
        assert {each.remote_address for each in (await storage.attempts.find()).items} == {
            "10.0.0.7",
            "10.0.0.5",
            "10.0.0.2",
        }
    finally:
        await storage.close()


async def test_the_message_log_keeps_to_its_size(database_url: str) -> None:
    clock = Clock()
    storage = await open_storage(database_url, "one", clock)
    try:
        for hour in range(10):
            clock.now = NOW - DAY_US + hour * 3_600_000_000
            await storage.record([message("x" * 10_000, clock.now)])
        clock.now = NOW
        bounds = Bounds(message_days=30, message_bytes=35_000, event_days=30, attempt_days=30)
        removed = await Upkeep(storage, bounds).remove_messages(NOW)
        kept = (await storage.messages.find()).items
    finally:
        await storage.close()
    assert removed == 10 - len(kept)
    assert 2 <= len(kept) <= 4
    assert kept[0].received_at == NOW - DAY_US + 9 * 3_600_000_000, "the newest stay"
