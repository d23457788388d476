"""What was read before a change is never believed after it, however long the reading takes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from stationmaster.domain.desired_configuration import FollowMode
from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.installed import install
from stationmaster.domain.smart_charging.profiles import ChargingProfile, Kind, Purpose
from stationmaster.domain.stations import Station
from stationmaster.services.alerts.rules import NewRule
from stationmaster.services.x509.pem import read_certificates
from tests.app.secure_node import Identity
from tests.services.following import template
from tests.services.node import ORGANISATION, Node, until
from tests.services.test_trust import a_station, der, fault

PROFILE = ChargingProfile(profile_id=5, stack_level=0, purpose=Purpose.TX_DEFAULT, kind=Kind.RELATIVE, schedules=())


@asynccontextmanager
async def slow(queries: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """The next reading of this kind takes until the block ends; the event says that it has read."""
    read, has_read, may_go_on = getattr(queries, name), asyncio.Event(), asyncio.Event()

    async def slowly(*arguments: Any) -> Any:
        found = await read(*arguments)
        if not has_read.is_set():
            has_read.set()
            await may_go_on.wait()
        return found

    monkeypatch.setattr(queries, name, slowly)
    yield has_read
    may_go_on.set()


async def with_certificate(node: Node, folder: Path) -> tuple[Station, x509.Certificate, str]:
    """A station, the certificate that was issued to it, and its id."""
    station = await a_station(node)
    kept = await node.services.certificates.sign_by_hand(station, Identity(folder).request())
    return station, read_certificates(kept.chain)[0], kept.id


async def meanwhile(change: Awaitable[Any], durable: Callable[[], Awaitable[bool]]) -> "asyncio.Future[Any]":
    """Let a change go as far as it can once it is stored; where it has to wait for whoever reads, that is in order."""
    changing = asyncio.ensure_future(change)
    await until(durable)
    await asyncio.wait({changing}, timeout=0.3)
    return changing


async def a_quirk_profile(node: Node) -> None:
    await node.services.quirks.create(ORGANISATION, {"name": "Acme", "vendor": "Acme"}, frozenset())


async def a_rule(node: Node) -> None:
    await node.services.alert_rules.create(ORGANISATION, NewRule(kind="station_offline", name="mine"))


async def a_template(node: Node) -> None:
    await template(node)


async def a_followed_station(node: Node) -> None:
    station = await node.storage.stations.get("CP7")
    assert station is not None
    await node.services.desired_configuration.follow([station], FollowMode.SHOW)


@pytest.mark.parametrize(
    ("queries", "name", "load", "change", "known"),
    [
        (
            lambda node: node.storage.quirk_profiles,
            "everything",
            lambda node: node.services.quirks.load(),
            a_quirk_profile,
            lambda node: bool(node.services.quirks._profiles),
        ),
        (
            lambda node: node.storage.alert_rules,
            "everything",
            lambda node: node.services.alert_rules.load(),
            a_rule,
            lambda node: any(each.name == "mine" for each in node.services.alert_rules._rules[ORGANISATION].values()),
        ),
        (
            lambda node: node.storage.desired_configuration,
            "templates",
            lambda node: node.services.configuration_templates.load(),
            a_template,
            lambda node: bool(node.services.configuration_templates.of(ORGANISATION)),
        ),
        (
            lambda node: node.storage.desired_configuration,
            "all_followed",
            lambda node: node.services.desired_configuration.load(),
            a_followed_station,
            lambda node: node.services.desired_configuration.follows("CP7"),
        ),
    ],
    ids=["quirks", "alert rules", "templates", "followed stations"],
)
async def test_who_reads_slowly_does_not_hide_what_changed_meanwhile(
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    queries: Callable[[Node], Any],
    name: str,
    load: Callable[[Node], Awaitable[None]],
    change: Callable[[Node], Awaitable[None]],
    known: Callable[[Node], bool],
) -> None:
    await node.station()
    await node.services.alert_rules.of(ORGANISATION)
    before = len(await getattr(queries(node), name)())

    async def stored() -> bool:
        return len(await getattr(queries(node), name)()) > before

    async with slow(queries(node), name, monkeypatch) as has_read:
        loading = asyncio.ensure_future(load(node))
        await has_read.wait()
        changing = await meanwhile(change(node), stored)
    await asyncio.gather(loading, changing)

    async def found() -> bool:
        return known(node)

    await until(found)
    await asyncio.sleep(0)
    assert known(node)


async def test_a_certificate_that_was_revoked_meanwhile_is_not_good_again(
    node: Node, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    station, certificate, certificate_id = await with_certificate(node, tmp_path)

    async def revoked() -> bool:
        return [each.state for each in await node.storage.certificates.of_station(station.id)] == ["revoked"]

    async with slow(node.storage.certificates, "bound", monkeypatch) as has_read:
        loading = asyncio.ensure_future(node.services.trust.load())
        await has_read.wait()
        revoke = node.services.certificates.revoke(ORGANISATION, certificate_id, None)
        revoking = await meanwhile(revoke, revoked)
    await asyncio.gather(loading, revoking)
    assert "revoked" in str(fault(node, station, certificate))


async def test_a_station_that_comes_in_while_its_certificate_is_revoked_does_not_make_it_good_again(
    node: Node, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    station, certificate, certificate_id = await with_certificate(node, tmp_path)
    async with slow(node.storage.certificates, "by_fingerprint", monkeypatch) as has_read:
        coming = asyncio.ensure_future(node.services.certificates.came_in(station, der(certificate)))
        await has_read.wait()
        await node.services.certificates.revoke(ORGANISATION, certificate_id, None)
    await coming
    (kept,) = await node.storage.certificates.of_station(station.id)
    assert (kept.state, kept.state_reason) == ("revoked", "revoked by an operator")
    assert "revoked" in str(fault(node, station, certificate))


async def test_a_mirror_that_changed_while_it_was_read_is_read_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    station, charging = await node.station(), node.services.smart_charging
    here = Location.of_connector_number(station.id, 1)
    async with slow(node.storage.charging_profiles, "mirror_of", monkeypatch) as has_read:
        asking = asyncio.ensure_future(charging.mirror_of(station.id))
        await has_read.wait()
        await charging.change(
            ORGANISATION, station.id, "set", lambda mirror: install(mirror, here, PROFILE, node.clock())
        )
    assert await asking == (), "as it was when it was asked for"
    assert [each.profile.profile_id for each in await charging.mirror_of(station.id)] == [5]
