"""Stations that reach for what is not theirs (RELIABILITY S-05, S-07, S-08)."""

import random
from typing import Any

import pytest

from stationmaster.domain.energy import LEAST_US_PER_WH, MARGIN_WH
from stationmaster.instants import format_instant
from stationmaster.services.abuse import MOST_UNKNOWN
from tests.actions.line import Line, connect
from tests.services.node import ORGANISATION, SECOND, START, Node

NOW = "2025-03-01T12:34:56Z"

LOG = {"logType": "SecurityLog", "requestId": 7, "log": {"remoteLocation": "https://example.org/up"}}
PLAIN = {"location": "https://example.org/f.bin", "retrieveDate": NOW}
SIGNED = {
    "requestId": 7,
    "firmware": {
        "location": "https://example.org/f.bin",
        "retrieveDateTime": NOW,
        "signingCertificate": "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n",
        "signature": "AAAA",
    },
}


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


@pytest.mark.parametrize("way", ["Authorize", "StartTransaction", "StopTransaction"])
async def test_no_message_is_a_way_to_guess(node: Node, way: str) -> None:
    """Ten thousand tags, however they are tried: nothing is learned, and nothing grows."""
    await node.token("REGULAR")
    await node.token("SECRET")
    line = await connect(node)
    running = await started(line, "REGULAR")

    async def tries(id_tag: str) -> str:
        start = {"connectorId": 2, "meterStart": 0, "timestamp": NOW}
        stop = {"transactionId": running, "meterStop": 1000, "timestamp": NOW}
        payload = {"Authorize": {}, "StartTransaction": start, "StopTransaction": stop}[way]
        return str((await line.says(way, idTag=id_tag, **payload))["idTagInfo"]["status"])

    guesses = 10_000 if way == "Authorize" else 3 * MOST_UNKNOWN
    assert {await tries(f"GUESS{number}") for number in range(guesses)} == {"Invalid"}
    assert await tries("SECRET") == "Invalid"
    assert await tries("REGULAR") == "Accepted"
    assert await events(node) == [("CP7", "TokenGuessing", "csms")]
    if way == "Authorize":
        seen = await node.storage.unknown_tokens.find(ORGANISATION, limit=500)
        assert len(seen.items) == MOST_UNKNOWN + 1
    if way == "StartTransaction":
        page = await node.storage.transactions.find(ORGANISATION, id_tag="SECRET")
        assert [each.authorization_status for each in page.items] == ["Accepted"], "what is recorded is the truth"
        assert [each.flags for each in page.items] == [("answered_unknown",)], "and so is what was answered"
        page = await node.storage.transactions.find(ORGANISATION, id_tag="REGULAR")
        assert not any("answered_unknown" in each.flags for each in page.items)
        page = await node.storage.transactions.find(ORGANISATION, id_tag=f"GUESS{guesses - 1}")
        assert [each.flags for each in page.items] == [()]


async def test_a_driver_who_is_started_from_afar_charges_at_a_station_that_guessed(node: Node) -> None:
    await node.token("REMOTE")
    line = await connect(node)
    for number in range(MOST_UNKNOWN + 1):
        await line.says("Authorize", idTag=f"GUESS{number}")
    line.will_answer("RemoteStartTransaction", status="Accepted")
    wish = {"idTag": "REMOTE", "connectorId": 1}
    await node.services.commands.send(
        ORGANISATION, "CP7", "RemoteStartTransaction", wish, requested_by="test", wait_s=5
    )
    answer = await line.says("StartTransaction", connectorId=1, idTag="REMOTE", meterStart=0, timestamp=NOW)
    assert answer["idTagInfo"]["status"] == "Accepted"


REPORTS: dict[str, dict[str, Any]] = {
    "SignedFirmwareStatusNotification": {"status": "Installed", "requestId": 7},
    "LogStatusNotification": {"status": "Uploaded", "requestId": 7},
    "FirmwareStatusNotification": {"status": "Installed"},
    "DiagnosticsStatusNotification": {"status": "Uploaded"},
}


@pytest.mark.parametrize("report", REPORTS)
async def test_a_report_of_another_station_ends_no_job(node: Node, report: str) -> None:
    """S-05: what one station says is never about what another was asked."""
    victim, attacker = await connect(node, "CP7"), await connect(node, "CP8")
    asked: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
        "SignedFirmwareStatusNotification": ("SignedUpdateFirmware", SIGNED, {"status": "Accepted"}),
        "LogStatusNotification": ("GetLog", LOG, {"status": "Accepted", "filename": "log.txt"}),
        "FirmwareStatusNotification": ("UpdateFirmware", PLAIN, {}),
        "DiagnosticsStatusNotification": ("GetDiagnostics", {"location": "https://example.org/up"}, {"fileName": "x"}),
    }
    action, wish, answer = asked[report]
    victim.will_answer(action, **answer)
    job = await node.services.commands.send(ORGANISATION, "CP7", action, wish, requested_by="test", wait_s=5)
    assert job.state == "waiting"
    assert await attacker.says(report, **REPORTS[report]) == {}
    untouched = await node.storage.jobs.get(job.id)
    assert untouched is not None
    assert (untouched.state, untouched.progress) == ("waiting", job.progress)
    assert await victim.says(report, **REPORTS[report]) == {}
    ended = await node.storage.jobs.get(job.id)
    assert ended is not None
    assert ended.state == "done"


async def test_a_reservation_of_another_station_is_not_used_up(node: Node) -> None:
    await node.token("TAG1")
    victim, attacker = await connect(node, "CP7"), await connect(node, "CP8")
    victim.will_answer("ReserveNow", status="Accepted")
    wish = {"connectorId": 1, "expiryDate": "2025-03-02T00:00:00Z", "idTag": "TAG1", "reservationId": 4711}
    await node.services.commands.send(ORGANISATION, "CP7", "ReserveNow", wish, requested_by="test", wait_s=5)
    start = {"connectorId": 1, "idTag": "TAG1", "meterStart": 0, "timestamp": NOW, "reservationId": 4711}
    await attacker.says("StartTransaction", **start)
    found = await node.storage.reservations.get("CP7", 4711)
    assert found is not None
    assert found.state == "active"


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


@pytest.mark.parametrize("seed", range(5))
async def test_billed_energy_is_never_less_than_nothing_nor_more_than_can_be(node: Node, seed: int) -> None:
    """Whatever a station says of its meter and its clock (S-08); what it said is kept."""
    chance = random.Random(seed)
    await node.token("TAG1")
    line = await connect(node)
    readings = (-5, 0, 1, 999, 10**5, 10**9, 2**31 - 1)
    for _ in range(40):
        first, last = (chance.choice(readings) + chance.randrange(1000) for _ in range(2))
        begun, ended = (START + chance.randrange(-(10**6), 10**6) * SECOND for _ in range(2))
        answer = await line.says(
            "StartTransaction", connectorId=1, idTag="TAG1", meterStart=first, timestamp=format_instant(begun)
        )
        for _ in range(chance.randrange(3)):
            value = {"value": str(chance.choice((*readings, 10**13, "1e400", "NaN")))}
            await line.says(
                "MeterValues",
                connectorId=1,
                transactionId=answer["transactionId"],
                meterValue=[{"timestamp": format_instant(begun), "sampledValue": [value]}],
            )
        number = answer["transactionId"]
        await line.says("StopTransaction", transactionId=number, meterStop=last, timestamp=format_instant(ended))
        found = await node.storage.transactions.by_ocpp_id("CP7", str(number))
        assert found is not None
        assert (found.meter_start_wh, found.meter_stop_wh) == (first, last)
        bound_wh = max(0, ended - begun) // LEAST_US_PER_WH + MARGIN_WH
        assert found.energy_wh is None or 0 <= found.energy_wh <= bound_wh
