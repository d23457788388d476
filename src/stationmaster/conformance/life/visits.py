"""A visit: from the moment a driver arrives at a connector until it is free again (handbook §3.2, §5.1).

Plugging in and identifying come in either order, by card or by a remote start; the transaction runs
until the driver, the car, the station or the central system ends it.
"""

import random
from dataclasses import dataclass
from typing import Any

from stationmaster.conformance.life.charging import charge, start_transaction
from stationmaster.conformance.life.connectors import Connector, Phase
from stationmaster.conformance.life.core import StationCore
from stationmaster.conformance.life.vehicles import draw_vehicle

__all__ = ["Driver", "draw_driver", "visit"]


SHARE_THAT_PLUGS_FIRST = 0.6


@dataclass(frozen=True, slots=True)
class Driver:
    """Who comes: with which card, how long they stay, whether they plug in before they hold up the card."""

    id_tag: str
    stay_s: float
    plugs_first: bool
    hesitation_s: float


def draw_driver(random_: random.Random, id_tags: list[str], direct_current: bool) -> Driver:
    """Somebody with one of these cards; people stay as long as the coffee takes, or the film."""
    stay_min = random_.lognormvariate(3.3, 0.35) if direct_current else random_.lognormvariate(4.6, 0.6)
    return Driver(
        id_tag=random_.choice(id_tags),
        stay_s=max(180.0, stay_min * 60),
        plugs_first=random_.random() < SHARE_THAT_PLUGS_FIRST,
        hesitation_s=random_.uniform(3, 20),
    )


async def visit(station: StationCore, connector: Connector, driver: Driver | None) -> None:
    """Let a driver charge here; None: a remote start waits at the connector (`identified`) for its car."""
    clock = station.clock
    direct_current = connector.outlet.direct_current
    arriving = driver or Driver("", draw_driver(connector.random_, ["-"], direct_current).stay_s, False, 8.0)
    connector.stop = None
    if driver is not None and driver.plugs_first:
        connector.vehicle = draw_vehicle(connector.random_, direct_current)
    connector.phase = Phase.PREPARING
    try:
        await station.announce(connector)
        await _hesitate(station, connector, arriving)
        id_tag, remote, profile = _identified(connector, arriving)
        if await _admitted(station, connector, id_tag, remote=remote):
            if connector.vehicle is None:
                await clock.sleep(connector.random_.uniform(4, 25))
                connector.vehicle = draw_vehicle(connector.random_, direct_current)
            transaction = await start_transaction(station, connector, id_tag, profile)
            await charge(station, connector, transaction, arriving.stay_s)
            connector.phase = Phase.FINISHING
            await station.announce(connector)
            await clock.sleep(connector.random_.uniform(10, 90))
        else:
            await clock.sleep(connector.random_.uniform(3, 15))
    finally:
        connector.vehicle = None
        connector.phase = Phase.IDLE
        connector.identified = connector.remote_profile = None
        if connector.becoming_inoperative:
            connector.inoperative, connector.becoming_inoperative = True, False
    await station.announce(connector)


async def _hesitate(station: StationCore, connector: Connector, driver: Driver) -> None:
    """Look for the card; a remote start for this connector ends that."""
    if connector.identified is None:
        connector.wake.clear()
        await station.clock.wait(connector.wake, driver.hesitation_s)


def _identified(connector: Connector, driver: Driver) -> tuple[str, bool, dict[str, Any] | None]:
    """The tag to charge with, whether a remote start gave it, and the profile that came with it."""
    if connector.identified is not None:
        return connector.identified, True, connector.remote_profile
    return driver.id_tag, False, None


async def _admitted(station: StationCore, connector: Connector, id_tag: str, *, remote: bool) -> bool:
    """Whether this tag may charge here, by all that the station goes by."""
    asks = not remote or station.configuration.boolean("AuthorizeRemoteTxRequests")
    if not id_tag or (asks and await station.authorize(id_tag) != "Accepted"):
        return False
    reservation = station.reservations.of_connector(connector.number)
    kept_for_another = reservation is not None and not reservation.admits(id_tag, station.parent_of(id_tag))
    return station.running.is_set() and not kept_for_another
