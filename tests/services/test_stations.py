"""Stations as operators keep them (handbook §1.1, §4.1, §4.5, §8 A-12)."""

from typing import Any

import pytest

from stationmaster.bus.messages_v1 import Invalidate, decode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.errors import Conflict, Invalid, NotFound
from stationmaster.domain.facts import HandshakeRefused
from stationmaster.domain.stations import Station
from stationmaster.services.context import ServiceSettings
from stationmaster.services.stations import NewStation, Registered
from tests.services.node import ORGANISATION, Node, open_node, until


def opens(node: Node, station: Station, password: bytes) -> bool:
    return node.services.security.which_password(station, password) == "current"


async def create(node: Node, **words: Any) -> Registered:
    return await node.services.stations.create(ORGANISATION, NewStation(**{"id": "CP7", **words}))


async def test_a_station_gets_a_password_that_is_shown_once(node: Node) -> None:
    registered = await create(node)
    password = registered.password
    assert password is not None
    assert len(password) == 40
    assert registered.station.security_profile == 1
    stored = await node.storage.stations.get("CP7")
    assert stored is not None
    assert opens(node, stored, bytes.fromhex(password))
    assert opens(node, stored, password.encode())
    assert opens(node, stored, password.lower().encode())
    assert not opens(node, stored, b"x" * 20)
    assert bytes.fromhex(password) not in (stored.password_hash or b"")


async def test_an_operator_may_bring_the_password(node: Node) -> None:
    registered = await create(node, password="my-old-password-1")
    assert registered.password is None
    assert opens(node, registered.station, b"my-old-password-1")


async def test_equal_passwords_do_not_look_equal(node: Node) -> None:
    first, second = await create(node, password="p" * 20), await create(node, id="CP8", password="p" * 20)
    assert first.station.password_hash != second.station.password_hash


async def test_profile_zero_is_a_choice_and_needs_no_password(node: Node) -> None:
    registered = await create(node, security_profile=0)
    assert (registered.password, registered.station.password_hash) == (None, None)


@pytest.mark.parametrize("other", ["CP7", "cp7", "Cp7"])
async def test_two_identities_may_not_differ_in_case_only(node: Node, other: str) -> None:
    await create(node)
    with pytest.raises(Conflict) as refused:
        await create(node, id=other)
    assert refused.value.code == "station_exists"


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"id": "a:b"}, "id"),
        ({"id": ""}, "id"),
        ({"password": "short"}, "password"),
        ({"security_profile": 4}, "security_profile"),
        ({"operator_state": "Maybe"}, "operator_state"),
        ({"call_timeout_s": 0}, "call_timeout_s"),
        ({"ping_interval_s": 4000}, "ping_interval_s"),
        ({"latitude": 91.0}, "latitude"),
        ({"longitude": float("nan")}, "longitude"),
        ({"name": "a\x00b"}, "name"),
        ({"note": "x" * 2001}, "note"),
    ],
)
async def test_what_a_station_cannot_be(node: Node, words: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await create(node, **words)
    assert refused.value.fields[0]["field"] == field
    assert (await node.storage.stations.find(ORGANISATION)).items == []


async def test_short_passwords_for_laboratories(sqlite_url: str) -> None:
    async with open_node(sqlite_url, settings=ServiceSettings(minimum_password_bytes=8)) as node:
        assert opens(node, (await create(node, password="eightchr")).station, b"eightchr")


async def test_changes(node: Node) -> None:
    await create(node, name="Old", note="a\nb")
    changed = await node.services.stations.update(
        ORGANISATION, "CP7", {"name": "New", "note": None, "strict": True, "call_timeout_s": 60}
    )
    station = changed.station
    assert (station.name, station.note, station.strict, station.call_timeout_s) == ("New", None, True, 60)
    assert changed.password is None


@pytest.mark.parametrize("changes", [{"id": "CP8"}, {"reported_state": "Accepted"}, {"connected": True}])
async def test_what_cannot_be_changed(node: Node, changes: dict[str, Any]) -> None:
    await create(node)
    with pytest.raises(Invalid, match="cannot be changed"):
        await node.services.stations.update(ORGANISATION, "CP7", changes)


async def test_a_profile_that_needs_a_password_makes_one(node: Node) -> None:
    await create(node, security_profile=0)
    changed = await node.services.stations.update(ORGANISATION, "CP7", {"security_profile": 2})
    assert changed.password is not None
    assert opens(node, changed.station, bytes.fromhex(changed.password))


async def test_a_password_is_set_taken_away_and_renewed(node: Node) -> None:
    stations = node.services.stations
    await create(node, security_profile=0, password="p" * 20)
    assert (await stations.update(ORGANISATION, "CP7", {"password": None})).station.password_hash is None
    changed = await stations.update(ORGANISATION, "CP7", {"password": "q" * 20})
    assert opens(node, changed.station, b"q" * 20)
    renewed = await stations.renew_password(ORGANISATION, "CP7")
    assert not opens(node, renewed.station, b"q" * 20)
    assert opens(node, renewed.station, bytes.fromhex(renewed.password or ""))


async def test_taking_the_password_from_a_profile_that_needs_one_makes_a_new_one(node: Node) -> None:
    await create(node, password="p" * 20)
    changed = await node.services.stations.update(ORGANISATION, "CP7", {"password": None})
    assert changed.password is not None
    assert not opens(node, changed.station, b"p" * 20)


async def test_a_profile_set_by_hand_ends_what_was_pending(node: Node) -> None:
    await create(node)
    await node.services.security.profile_on_its_way("CP7", 2)
    changed = await node.services.stations.update(ORGANISATION, "CP7", {"security_profile": 1})
    assert changed.station.pending_security_profile is None


async def test_a_station_seen_at_the_door_is_let_in(node: Node) -> None:
    await node.storage.record(
        [
            HandshakeRefused(
                organisation_id="",
                station_id="CP7",
                received_at=node.clock(),
                remote_address="192.0.2.7",
                path="/ocpp/CP7",
                status=404,
                reason="unknown_station",
                detail="",
                known=False,
            )
        ]
    )
    accepted = await node.services.stations.accept(ORGANISATION, NewStation(id="CP7", security_profile=0))
    assert accepted.station.operator_state == "Accepted"
    assert (await node.storage.attempts.find()).items == []


async def test_a_pending_station_is_accepted(node: Node) -> None:
    await create(node, operator_state="Pending")
    accepted = await node.services.stations.accept(ORGANISATION, NewStation(id="CP7"))
    assert (accepted.station.operator_state, accepted.password) == ("Accepted", None)


async def test_a_station_of_another_organisation_does_not_exist(node: Node) -> None:
    await create(node)
    stations = node.services.stations
    for asking in (
        stations.get("o2", "CP7"),
        stations.update("o2", "CP7", {"name": "x"}),
        stations.delete("o2", "CP7"),
        stations.renew_password("o2", "CP7"),
    ):
        with pytest.raises(NotFound):
            await asking
    with pytest.raises(Conflict):
        await stations.accept("o2", NewStation(id="CP7"))


async def test_every_change_is_told_to_every_node(node: Node) -> None:
    told: list[tuple[str, str]] = []

    async def hear(_subject: str, message: bytes) -> None:
        heard = decode(message, Invalidate)
        told.append((heard.kind, heard.key))

    async with node.bus.subscribe(INVALIDATE, hear):
        await create(node)
        await node.services.stations.update(ORGANISATION, "CP7", {"name": "x"})
        await node.services.stations.delete(ORGANISATION, "CP7")
        await until(lambda: _heard(told, 3))
    assert told == [("station", "CP7")] * 3
    with pytest.raises(NotFound):
        await node.services.stations.get(ORGANISATION, "CP7")
    with pytest.raises(NotFound):
        await node.services.stations.delete(ORGANISATION, "CP7")


async def _heard(told: list[tuple[str, str]], count: int) -> bool:
    return len(told) >= count
