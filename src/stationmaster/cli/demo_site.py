"""The site of the demo: a car park whose stations share what one fuse carries.

Its stations live in the present, unlike the others of the demo: limits are about now.
"""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stationmaster.app.node import Node
    from stationmaster.conformance.life import Habits, Population

__all__ = ["SITE_ID", "car_park"]

SITE_ID = "car-park"
FUSE_A = 63
OUTLET_W = 22_080.0
PLACE = (57.7087, 11.9745)
ARRIVALS_PER_SECOND = 4.0


async def car_park(node: "Node", count: int, habits: "Habits", seed: int) -> "Population":
    """The site with its limit, and its stations, registered, wired and ready to live."""
    from stationmaster.conformance.life import Clock, Outlet, Population, Resident, Traits
    from stationmaster.conformance.link import Target

    passwords = await _registered(node, count)
    url = node.ocpp_url("127.0.0.1")
    outlet = (Outlet(OUTLET_W, 3, fixed_cable=False),)
    residents = [
        Resident(
            Target(url, identity, password), Traits("Lindgren", "Wall 22", "4.2.1", outlet, f"LI{number:08d}", "MID-3P")
        )
        for number, (identity, password) in enumerate(passwords.items(), 1)
    ]
    return Population(residents, habits, Clock(), seed=seed, connects_per_second=ARRIVALS_PER_SECOND)


async def _registered(node: "Node", count: int) -> dict[str, str]:
    from stationmaster.domain.errors import Conflict
    from stationmaster.domain.load_management.lanes import Phase
    from stationmaster.domain.load_management.site import SiteLimit
    from stationmaster.domain.sites import Site, Wiring
    from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
    from stationmaster.services.stations import NewStation

    services, passwords = node.services, {}
    fuse = SiteLimit(name="fuse", phase_deciamps=(FUSE_A * 10, FUSE_A * 10, FUSE_A * 10))
    with contextlib.suppress(Conflict):
        await services.sites.create(
            Site(
                id=SITE_ID,
                organisation_id=DEFAULT_ORGANISATION_ID,
                name="Car Park",
                address="Quay 1, Gothenburg",
                latitude=PLACE[0],
                longitude=PLACE[1],
                limits=(fuse,),
            )
        )
    phases = (Phase.L1, Phase.L2, Phase.L3)
    for number in range(count):
        identity = f"PARK-{number + 1:02d}"
        new = NewStation(
            id=identity,
            name=f"Car Park {number + 1}",
            site_id=SITE_ID,
            latitude=PLACE[0] + number % 4 / 9000,
            longitude=PLACE[1] + number // 4 / 5000,
        )
        try:
            registered = await services.stations.create(DEFAULT_ORGANISATION_ID, new)
        except Conflict:
            registered = await services.stations.renew_password(DEFAULT_ORGANISATION_ID, identity)
        passwords[identity] = registered.password or ""
        wiring = Wiring(
            organisation_id=DEFAULT_ORGANISATION_ID,
            station_id=identity,
            evse_id=1,
            # Turned from one to the next, as electricians do, so that cars on one phase do not all use the same.
            phases=phases[number % 3 :] + phases[: number % 3],
        )
        await services.sites.put_wiring(registered.station, wiring)
    return passwords
