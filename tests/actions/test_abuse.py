"""Stations that reach for what is not theirs (RELIABILITY S-05, S-07, S-08)."""

from typing import Any

import pytest

from stationmaster.domain.energy import MARGIN_WH
from stationmaster.services.abuse import MOST_UNKNOWN
from tests.actions.line import Line, connect
from tests.services.node import ORGANISATION, Node

NOW = "2025-03-01T12:34:56Z"


async def started(line: Line, id_tag: str) -> int:
    answer = await line.says("StartTransaction", connectorId=1, idTag=id_tag, meterStart=1000, timestamp=NOW)
    number: int = answer["transactionId"]
    return number


async def events(node: Node) -> list[tuple[str, str, str]]:
    page = await node.storage.security_events.find(ORGANISATION)
    return [(each.station_id, each.type, each.source) for each in page.items]


@pytest.mark.parametrize("action", ["StopTransaction", "MeterValues"])
async def test_another_stations_transaction_is_not_touched_and_it_is_told(node: Node, action: str) -> None:
    await node.token("TAG1")
    victim, attacker = await connect(node, "CP7"), await connect(node, "CP8")
    number = await started(victim, "TAG1")
    payloads: dict[str, dict[str, Any]] = {
        "StopTransaction": {"transactionId": number, "meterStop": 900_000, "timestamp": NOW},
        "MeterValues": {
            "connectorId": 1,
            "transactionId": number,
            "meterValue": [{"timestamp": NOW, "sampledValue": [{"value": "900000"}]}],
        },
    }
    assert await attacker.says(action, **payloads[action]) == {}
    found = await node.storage.transactions.by_ocpp_id("CP7", str(number))
    assert found is not None
    assert (found.state, found.last_meter_wh) == ("open", None)
    assert await events(node) == [("CP8", "ForeignTransactionId", "csms")]


async def test_an_id_that_is_nobodys_is_only_odd(node: Node) -> None:
    line = await connect(node)
    await line.says("StopTransaction", transactionId=12345, meterStop=1, timestamp=NOW)
    assert await events(node) == []


async def test_who_guesses_tags_learns_nothing_and_drivers_still_charge(node: Node) -> None:
    await node.token("REGULAR")
    await node.token("SECRET")
    line = await connect(node)

    async def asks(id_tag: str) -> str:
        return str((await line.says("Authorize", idTag=id_tag))["idTagInfo"]["status"])

    assert await asks("REGULAR") == "Accepted"
    for number in range(MOST_UNKNOWN + 1):
        assert await asks(f"GUESS{number}") == "Invalid"
    assert await asks("SECRET") == "Invalid"
    assert await asks("regular") == "Accepted"
    assert await events(node) == [("CP7", "TokenGuessing", "csms")]
    other = await connect(node, "CP8")
    assert (await other.says("Authorize", idTag="SECRET"))["idTagInfo"]["status"] == "Accepted"
    node.clock.pass_s(601)
    assert await asks("SECRET") == "Accepted"


@pytest.mark.parametrize(
    ("stop_wh", "energy_wh", "flag"),
    [
        (1000 + MARGIN_WH, MARGIN_WH, None),
        (1001 + MARGIN_WH, None, "beyond_physical_limit"),
        (2_000_000_000, None, "beyond_physical_limit"),
        (999, None, "negative_energy"),
        (1000, 0, None),
    ],
)
async def test_what_no_station_can_deliver_is_kept_and_not_billed(
    node: Node, stop_wh: int, energy_wh: int | None, flag: str | None
) -> None:
    await node.token("TAG1")
    line = await connect(node)
    number = await started(line, "TAG1")
    await line.says("StopTransaction", transactionId=number, meterStop=stop_wh, timestamp=NOW)
    found = await node.storage.transactions.by_ocpp_id("CP7", str(number))
    assert found is not None
    assert (found.meter_stop_wh, found.energy_wh) == (stop_wh, energy_wh)
    assert flag is None or flag in found.flags
