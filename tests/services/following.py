"""A station that is followed, and what tests ask of it again and again."""

from typing import Any

from stationmaster.domain.desired_configuration import ConfigurationTemplate
from stationmaster.domain.jobs import Job
from stationmaster.domain.stations import Station
from stationmaster.services.configuration_templates import GivenEntry
from tests.actions.line import connect_as
from tests.services.keyed_station import KeyedStation
from tests.services.node import ORGANISATION, Node

ACTOR = "api_key:test"


async def template(node: Node, name: str = "T", /, keys: dict[str, str] | None = None, **more: Any) -> str:
    """A template that every station of Acme gets; its id."""
    entries = [GivenEntry(key, value) for key, value in (keys or {"HeartbeatInterval": "600"}).items()]
    given = {"name": name, "vendor": "Acme"} | more
    made = await node.services.configuration_templates.create(ORGANISATION, given, entries)
    return made.id


async def template_of(node: Node, template_id: str) -> ConfigurationTemplate:
    return await node.services.configuration_templates.get(ORGANISATION, template_id)


async def station_of(node: Node) -> Station:
    found: Station | None = await node.storage.stations.get("CP7")
    assert found is not None
    return found


async def follow(node: Node, mode: str, *template_ids: str) -> None:
    await node.services.desired_configuration.follow([await station_of(node)], mode, template_ids)


async def booted(node: Node, mode: str = "on_demand") -> KeyedStation:
    """A station that has booted and is followed."""
    line = await connect_as(KeyedStation, node)
    await line.boots()
    await follow(node, mode)
    return line


async def apply(node: Node, **more: Any) -> Job:
    node.clock.pass_s(1)
    return await node.services.configuration_jobs.begin(await station_of(node), ACTOR, wait_s=5, **more)


async def states(node: Node) -> dict[str, tuple[str, str]]:
    """(state, reason) of each desired key as it is stored."""
    return {each.key: (each.state, each.reason) for each in await node.storage.desired_configuration.keys_of("CP7")}


async def told(node: Node) -> list[str]:
    """What the event stream heard of drift, the oldest first."""
    page = await node.storage.events.find(ORGANISATION, type=["configuration.drifted", "configuration.in_step"])
    return [each.type.removeprefix("configuration.") for each in reversed(page.items)]


async def stands(node: Node, wanted: dict[str, tuple[str, str]]) -> bool:
    """Whether the keys stand like this."""
    return await states(node) == wanted


async def heard(line: KeyedStation, action: str) -> bool:
    """Whether the station was asked this."""
    return any(each == action for each, _ in line.heard)
