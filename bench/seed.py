"""Registers the stations, tokens and authorities of a benchmark in the database; prints an administrator's key.

`python -m bench.seed --data DIR --stations N …`, before the node is started: so the memory that is
measured later holds nothing of five thousand registrations.
"""

import argparse
import asyncio
from pathlib import Path

from stationmaster.actions.v16 import CATALOGUE
from stationmaster.app.config_sources import load_settings
from stationmaster.app.databases import database_url, migrated, open_storage
from stationmaster.app.node import PROTOCOL, clock, data_folder
from stationmaster.app.secrets import pepper_of
from stationmaster.app.sections import service_settings
from stationmaster.bus.memory import MemoryBus
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.services.bundle import Services
from stationmaster.services.context import ServiceContext
from stationmaster.services.secrets import SecretKeeper
from stationmaster.services.stations import NewStation
from stationmaster.services.tokens import NewToken

AT_ONCE = 500
ID_TAGS = 50


async def seed(data: Path, url: str | None, stations: int, password: str) -> str:
    """Register everything; returns the key."""
    settings = load_settings(flags={"node.data": str(data), "database.url": url}, environment={}, file=None).settings
    folder = data_folder(settings)
    where = database_url(settings)
    await migrated(where)
    storage = await open_storage(where, "seed", clock)
    try:
        secrets = SecretKeeper(pepper_of(settings.security, folder))
        context = ServiceContext(storage, MemoryBus(), clock, service_settings(settings), secrets)
        services = Services(context, {PROTOCOL: CATALOGUE}, ())
        new = [
            NewStation(id=f"BENCH-{number:05d}", security_profile=1, password=password) for number in range(stations)
        ]
        for first in range(0, stations, AT_ONCE):
            chunk = new[first : first + AT_ONCE]
            await asyncio.gather(*(services.stations.create(DEFAULT_ORGANISATION_ID, station) for station in chunk))
        for number in range(ID_TAGS):
            await services.tokens.create(DEFAULT_ORGANISATION_ID, NewToken(value=f"BENCHTAG{number:04d}"))
        # A node makes its authorities once, in its first minute; that is no part of what a message costs.
        await services.certificates.look_after(clock())
        return (await services.api_keys.create(DEFAULT_ORGANISATION_ID, "bench", "admin")).text
    finally:
        await storage.close()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="bench.seed", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--database-url")
    parser.add_argument("--stations", type=int, required=True)
    parser.add_argument("--password", required=True)
    options = parser.parse_args()
    print(asyncio.run(seed(options.data, options.database_url, options.stations, options.password)))


if __name__ == "__main__":
    main()
