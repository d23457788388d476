"""Profiles on their way to a station, and what we believe it holds: handbook §3.6.4, §5.7, §5.8."""

import asyncio
from typing import Any

import pytest

from stationmaster.conformance.station import ScriptedStation
from stationmaster.instants import parse_instant
from stationmaster.ocpp.errors import ErrorCode
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted, charging, start, status, stop

ACCEPTED = {"status": "Accepted"}
PROFILE: dict[str, Any] = {
    "purpose": "tx",
    "kind": "relative",
    "schedule": {"unit": "A", "periods": [{"start_period_s": 0, "limit": 6}]},
}


async def connected(node: NodeProcess, api: Api) -> ScriptedStation:
    return ScriptedStation(node.url, await api.station(), password=PASSWORD)


def raw(purpose: str, profile_id: int, **more: Any) -> dict[str, Any]:
    """A profile in OCPP's words, in force at once and for good."""
    schedule = {
        "chargingRateUnit": "A",
        "startSchedule": "2026-01-01T00:00:00Z",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7.5}],
    }
    return {
        "chargingProfileId": profile_id,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    } | more


async def held(api: Api, station: ScriptedStation) -> list[tuple[int, str, int, str]]:
    """What we believe a station holds: connector, purpose, id, certainty."""
    entries = (await api.get(f"/stations/{station.identity}/charging-profiles"))["items"]
    return [(e["connector_id"], e["profile"]["purpose"], e["profile"]["profile_id"], e["certainty"]) for e in entries]


async def test_056_a_default_profile_goes_out_as_the_preset_says_and_is_believed(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        wish = {"connector_id": 1, "preset": "tx_default"}
        answer = asyncio.create_task(api.post(f"/stations/{station.identity}/charging-profiles", wish))
        request = await station.obey("SetChargingProfile", ACCEPTED)
        sent = request.payload["csChargingProfiles"]
        assert request.payload["connectorId"] == 1
        assert (sent["chargingProfilePurpose"], sent["chargingProfileKind"]) == ("TxDefaultProfile", "Absolute")
        assert sent["validFrom"] == sent["chargingSchedule"]["startSchedule"]
        assert sent["chargingSchedule"]["chargingSchedulePeriod"] == [
            {"startPeriod": 0, "limit": 6.0, "numberPhases": 3}
        ]
        assert not {"transactionId", "recurrencyKind"} & set(sent)
        assert (await answer)["job"]["result"] == "Accepted"
        assert await held(api, station) == [(1, "tx_default", sent["chargingProfileId"], "known")]
        path = f"/stations/{station.identity}/connectors/1/composite-schedule"
        ours = await api.get(path, duration_s=60, unit="A")
        assert ours["periods"] == [{"start_period_s": 0, "limit": 6.0, "number_phases": None}]


async def test_057_a_transactions_profile_names_it_and_dies_with_it(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        transaction_id = await charging(station, tag)
        wish = {"connector_id": 1, "preset": "tx"}
        answer = asyncio.create_task(api.post(f"/stations/{station.identity}/charging-profiles", wish))
        request = await station.obey("SetChargingProfile", ACCEPTED)
        sent = request.payload["csChargingProfiles"]
        assert sent["transactionId"] == transaction_id
        assert "startSchedule" not in sent["chargingSchedule"]
        await answer
        assert [entry[1] for entry in await held(api, station)] == ["tx"]
        await stop(station, transaction_id, reason="Local")
        async with asyncio.timeout(10):
            while await held(api, station):  # noqa: ASYNC110 -- the node is another process
                await asyncio.sleep(0.05)


async def test_056_the_figures_of_a_preset_are_those_agreed_with_the_lab(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        figures = {"unit": "W", "limit": 6000.5, "number_phases": None, "duration_s": 172_800}
        wish = {"connector_id": 1, "preset": "tx_default", "figures": figures, "stack_level": 3}
        answer = asyncio.create_task(api.post(f"/stations/{station.identity}/charging-profiles", wish))
        sent = (await station.obey("SetChargingProfile", ACCEPTED)).payload["csChargingProfiles"]
        schedule = sent["chargingSchedule"]
        assert (sent["stackLevel"], schedule["chargingRateUnit"], schedule["duration"]) == (3, "W", 172_800)
        assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6000.5}]
        began = parse_instant(schedule["startSchedule"])
        assert parse_instant(sent["validTo"]) - began == 172_800 * 1_000_000
        assert (await answer)["refusal"] is None
        path = f"/stations/{station.identity}/charging-profiles"
        wish = {"connector_id": 1, "profile": PROFILE, "figures": figures}
        refused = await api.client.post(path, json=wish)
        assert (refused.status_code, refused.json()["code"]) == (422, "profile_choice")


@pytest.mark.parametrize("choice", ["preset", "library", "written"])
async def test_059_a_profile_is_sent_within_a_remote_start(node: NodeProcess, api: Api, choice: str) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        path = f"/stations/{station.identity}/charging-profiles/remote-start"
        wish: dict[str, Any] = {"connector_id": 1, "id_tag": tag}
        if choice == "preset":
            wish |= {"preset": "remote_start"}
        elif choice == "library":
            wish |= {"library_id": (await api.post("/charging-profiles", {"name": "tx", "profile": PROFILE}))["id"]}
        else:
            wish |= {"profile": PROFILE}
        answer = asyncio.create_task(api.post(path, wish))
        payload = (await station.obey("RemoteStartTransaction", ACCEPTED)).payload
        sent = payload["chargingProfile"]
        assert (payload["connectorId"], payload["idTag"]) == (1, tag)
        assert (sent["chargingProfilePurpose"], sent["chargingProfileKind"]) == ("TxProfile", "Relative")
        assert sent["chargingSchedule"]["chargingSchedulePeriod"][0] | {"numberPhases": 3} == {
            "startPeriod": 0,
            "limit": 6.0,
            "numberPhases": 3,
        }
        assert not {"transactionId", "recurrencyKind", "validFrom"} & set(sent)
        job = (await answer)["job"]
        started = await start(station, tag)
        await api.job(job, "done")
        entries = (await api.get(f"/stations/{station.identity}/charging-profiles"))["items"]
        assert [each["profile"]["transaction_id"] for each in entries] == [str(started["transactionId"])]


async def test_a_remote_start_carries_nothing_but_a_profile_for_its_transaction(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        path = f"/stations/{station.identity}/charging-profiles/remote-start"
        wish = {"connector_id": 1, "id_tag": "ANYBODY"}
        for more, rule in (
            ({"preset": "tx_default"}, "remote_start_is_tx"),
            ({"profile": PROFILE | {"transaction_id": 7}}, "remote_start_names_no_transaction"),
        ):
            refused = await api.client.post(path, json=wish | more)
            assert refused.status_code == 422
            assert [each["code"] for each in refused.json()["errors"]] == [rule]
        await station.silence(0.2)


async def test_059_a_profile_within_a_remote_start_belongs_to_the_transaction(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        profile = raw("TxProfile", 9, chargingProfileKind="Relative")
        del profile["chargingSchedule"]["startSchedule"]
        wish = {"connectorId": 1, "idTag": tag, "chargingProfile": profile}
        request, job = await api.press(station, "RemoteStartTransaction", wish, ACCEPTED)
        assert request.payload == wish
        assert await held(api, station) == []
        answer = await start(station, tag)
        await status(station, "Charging")
        await api.job(job, "done")
        entries = (await api.get(f"/stations/{station.identity}/charging-profiles"))["items"]
        assert [(e["profile"]["transaction_id"], e["certainty"]) for e in entries] == [
            (str(answer["transactionId"]), "unknown")
        ], "a station that never said that it does smart charging may have ignored it"


async def test_067_three_profiles_and_the_three_forms_of_clearing(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        transaction_id = await charging(station, tag)
        for connector, profile in (
            (0, raw("ChargePointMaxProfile", 1)),
            (1, raw("TxDefaultProfile", 2)),
            (1, raw("TxProfile", 3, transactionId=transaction_id)),
        ):
            wish = {"connectorId": connector, "csChargingProfiles": profile}
            await api.press(station, "SetChargingProfile", wish, ACCEPTED)
        assert [entry[2] for entry in await held(api, station)] == [1, 2, 3]
        await api.press(station, "ClearChargingProfile", {"id": 1}, ACCEPTED)
        assert [entry[2] for entry in await held(api, station)] == [2, 3]
        wanted = {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}
        await api.press(station, "ClearChargingProfile", wanted, {"status": "Unknown"})
        assert [entry[2] for entry in await held(api, station)] == [3], "what the station has not, we do not believe"
        answer = asyncio.create_task(api.post(f"/stations/{station.identity}/charging-profiles/clear", {}))
        request = await station.obey("ClearChargingProfile", ACCEPTED)
        assert request.payload == {}
        await answer
        assert await held(api, station) == []
        await stop(station, transaction_id)


REFUSALS: list[tuple[str | ErrorCode, str, bool]] = [
    ("Rejected", "rejected", False),
    ("NotSupported", "not_supported", True),
    (ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "bad_value", False),
    (ErrorCode.NOT_SUPPORTED, "no_smart_charging", True),
    (ErrorCode.NOT_IMPLEMENTED, "no_smart_charging", True),
]


@pytest.mark.parametrize(("said", "kind", "missing"), REFUSALS)
async def test_a_profile_that_the_station_refuses_is_not_believed(
    node: NodeProcess, api: Api, said: str | ErrorCode, kind: str, missing: bool
) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        wish = {"connector_id": 1, "preset": "tx_default"}
        answer = asyncio.create_task(api.post(f"/stations/{station.identity}/charging-profiles", wish))
        request = await station.expect("SetChargingProfile")
        if isinstance(said, ErrorCode):
            await station.refuse(request, said)
        else:
            await station.reply(request, {"status": said})
        made = await answer
        assert (made["job"]["state"], made["job"]["result"]) == (
            "error" if isinstance(said, ErrorCode) else "done",
            str(said),
        )
        assert (made["refusal"]["kind"], made["refusal"]["capability_missing"]) == (kind, missing)
        assert made["refusal"]["words"]
        assert await held(api, station) == []


async def test_a_profile_without_an_answer_may_be_there_or_not(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        wish = {"connectorId": 1, "csChargingProfiles": raw("TxDefaultProfile", 4)}
        command = asyncio.create_task(api.command(station.identity, "SetChargingProfile", wish, timeout=1))
        await station.expect("SetChargingProfile")
        assert (await command).json()["state"] == "timeout"
        assert await held(api, station) == [(1, "tx_default", 4, "unknown")]


async def test_our_schedule_beside_the_stations(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        wish = {"connectorId": 1, "csChargingProfiles": raw("TxDefaultProfile", 4)}
        await api.press(station, "SetChargingProfile", wish, ACCEPTED)
        path = f"/stations/{station.identity}/connectors/1/composite-schedule/compare?duration_s=600&unit=A"
        answer = asyncio.create_task(api.post(path))
        request = await station.expect("GetCompositeSchedule")
        assert request.payload == {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"}
        schedule = {
            "chargingRateUnit": "A",
            "duration": 600,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
        }
        await station.reply(request, {"status": "Accepted", "connectorId": 1, "chargingSchedule": schedule})
        compared = await answer
        assert compared["ours"]["periods"][0]["limit"] == 7.5
        assert compared["station"][0]["limit"] == 10.0
        assert compared["differences"][0]["kind"] == "station_higher"


async def test_a_profile_without_an_id_is_checked_as_if_it_had_the_one_it_gets(node: NodeProcess, api: Api) -> None:
    schedule: dict[str, Any] = {"unit": "A", "periods": [{"start_period_s": 0, "limit": 6}]}
    profile = {"purpose": "tx_default", "kind": "absolute", "schedule": schedule}
    assert (await api.post("/charging-profiles/check", {"profile": profile}))["items"] == []
    async with await connected(node, api) as station:
        await booted(station)
        question = {"profile": profile, "station_id": station.identity, "connector_id": 1}
        found = (await api.post("/charging-profiles/check", question))["items"]
        assert [each["rule"] for each in found if each["severity"] == "hard_block"] == ["start_required"]
    schedule["periods"][0]["start_period_s"] = 60
    found = (await api.post("/charging-profiles/check", {"profile": profile}))["items"]
    assert [each["rule"] for each in found] == ["first_period_at_zero"]


async def test_a_profile_of_the_library_starts_at_midnight_unless_it_says_when(node: NodeProcess, api: Api) -> None:
    profile = {
        "purpose": "tx_default",
        "kind": "absolute",
        "schedule": {"unit": "A", "periods": [{"start_period_s": 0, "limit": 6}]},
    }
    kept = await api.post("/charging-profiles", {"name": "always", "profile": profile})
    async with await connected(node, api) as station:
        await booted(station)
        wish = {"connector_id": 1, "library_id": kept["id"], "send_anyway": True}
        answer = asyncio.create_task(api.post(f"/stations/{station.identity}/charging-profiles", wish))
        request = await station.obey("SetChargingProfile", ACCEPTED)
        start = request.payload["csChargingProfiles"]["chargingSchedule"]["startSchedule"]
        assert "T00:00:00" in start
        assert (await answer)["job"]["result"] == "Accepted"


async def test_the_editor_refuses_by_the_rules_name_and_the_raw_command_does_not(node: NodeProcess, api: Api) -> None:
    profile = {
        "purpose": "tx_default",
        "kind": "absolute",
        "schedule": {
            "unit": "A",
            "start_schedule": "2026-01-01T00:00:00Z",
            "periods": [{"start_period_s": 60, "limit": 6}],
        },
    }
    refused = await api.client.post("/charging-profiles", json={"name": "late", "profile": profile})
    assert refused.status_code == 422
    assert [error["code"] for error in refused.json()["errors"]] == ["first_period_at_zero"]
    profile["schedule"]["periods"] = [{"start_period_s": 0, "limit": 6.25}]  # type: ignore[index]  # built above
    refused = await api.client.post("/charging-profiles", json={"name": "fine", "profile": profile})
    assert refused.status_code == 422
    assert "one digit after the point" in refused.text
    async with await connected(node, api) as station:
        await booted(station)
        odd = raw("TxDefaultProfile", 4)
        odd["chargingSchedule"]["chargingSchedulePeriod"] = [{"startPeriod": 60, "limit": 6}]
        wish = {"connectorId": 1, "csChargingProfiles": odd}
        request, job = await api.press(station, "SetChargingProfile", wish, {"status": "Rejected"})
        assert request.payload == wish
        assert job["warnings"]


async def test_the_library_keeps_profiles_to_be_sent(node: NodeProcess, api: Api) -> None:
    profile = {
        "purpose": "tx_default",
        "kind": "recurring",
        "recurrency": "daily",
        "schedule": {
            "unit": "A",
            "duration_s": 86_400,
            "start_schedule": "2026-01-01T00:00:00Z",
            "periods": [{"start_period_s": 0, "limit": 16}, {"start_period_s": 28_800, "limit": 7.5}],
        },
    }
    kept = await api.post("/charging-profiles", {"name": "day and night", "profile": profile})
    changed = await api.client.put(f"/charging-profiles/{kept['id']}", json={"name": "night", "profile": profile})
    assert changed.json()["name"] == "night"
    async with await connected(node, api) as station:
        await booted(station)
        wish = {"connector_id": 0, "library_id": kept["id"], "send_anyway": True}
        answer = asyncio.create_task(api.post(f"/stations/{station.identity}/charging-profiles", wish))
        request = await station.obey("SetChargingProfile", ACCEPTED)
        assert request.payload["csChargingProfiles"]["recurrencyKind"] == "Daily"
        assert (await answer)["job"]["result"] == "Accepted"
    assert (await api.client.delete(f"/charging-profiles/{kept['id']}")).status_code == 204
    assert (await api.client.get(f"/charging-profiles/{kept['id']}")).status_code == 404
