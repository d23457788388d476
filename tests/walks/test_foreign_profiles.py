"""The optional profiles on a station that nobody here wrote: handbook §5.4, §5.6, §5.7, §5.8 through our API.

The station is the client of the PyPI package `ocpp`.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp.routing import after, on
from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action, ChargePointStatus, Reason

from tests.walks.running import Api, NodeProcess
from tests.walks.test_foreign_station import ForeignStation, station_of_kind, time_now


class FullStation(ForeignStation):
    """The foreign station, with everything that OCPP 1.6 leaves to choice."""

    def __init__(self, identity: str, socket: Any) -> None:
        super().__init__(identity, socket)
        self.list_version = 0
        self.list: dict[str, Any] = {}
        self.reservations: dict[int, str] = {}
        self.profiles: dict[int, dict[str, Any]] = {}
        self.triggered: asyncio.Queue[str] = asyncio.Queue()

    @on(Action.get_local_list_version)  # type: ignore[untyped-decorator]
    def on_version(self) -> Any:
        return call_result.GetLocalListVersion(list_version=self.list_version)

    @on(Action.send_local_list)  # type: ignore[untyped-decorator]
    def on_list(self, list_version: int, update_type: str, local_authorization_list: Any = None) -> Any:
        if update_type == "Full":
            self.list.clear()
        for entry in local_authorization_list or []:
            if "id_tag_info" in entry:
                self.list[entry["id_tag"]] = entry["id_tag_info"]["status"]
            else:
                self.list.pop(entry["id_tag"], None)
        self.list_version = list_version
        return call_result.SendLocalList(status="Accepted")

    @on(Action.reserve_now)  # type: ignore[untyped-decorator]
    def on_reserve(self, connector_id: int, reservation_id: int, id_tag: str, **_: Any) -> Any:
        if connector_id > 1:
            return call_result.ReserveNow(status="Unavailable")
        self.reservations[reservation_id] = id_tag
        return call_result.ReserveNow(status="Accepted")

    @on(Action.cancel_reservation)  # type: ignore[untyped-decorator]
    def on_cancel(self, reservation_id: int) -> Any:
        known = self.reservations.pop(reservation_id, None) is not None
        return call_result.CancelReservation(status="Accepted" if known else "Rejected")

    @on(Action.trigger_message)  # type: ignore[untyped-decorator]
    def on_trigger(self, requested_message: str, **_: Any) -> Any:
        supported = requested_message in {"Heartbeat", "StatusNotification", "MeterValues"}
        return call_result.TriggerMessage(status="Accepted" if supported else "NotImplemented")

    @after(Action.trigger_message)  # type: ignore[untyped-decorator]
    async def after_trigger(self, requested_message: str, **_: Any) -> None:
        if requested_message == "Heartbeat":
            await self.call(call.Heartbeat())
        elif requested_message == "StatusNotification":
            await self.status(ChargePointStatus.available)
        elif requested_message == "MeterValues":
            value = {"timestamp": time_now(), "sampled_value": [{"value": "1", "context": "Trigger"}]}
            await self.call(call.MeterValues(connector_id=1, meter_value=[value]))
        self.triggered.put_nowait(requested_message)

    @on(Action.set_charging_profile)  # type: ignore[untyped-decorator]
    def on_profile(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        self.profiles[cs_charging_profiles["charging_profile_id"]] = cs_charging_profiles | {"at": connector_id}
        return call_result.SetChargingProfile(status="Accepted")

    @on(Action.clear_charging_profile)  # type: ignore[untyped-decorator]
    def on_clear(self, id: int | None = None, **wanted: Any) -> Any:
        matching = [number for number in self.profiles if id in {None, number}]
        for number in matching:
            del self.profiles[number]
        return call_result.ClearChargingProfile(status="Accepted" if matching else "Unknown")

    @on(Action.get_composite_schedule)  # type: ignore[untyped-decorator]
    def on_composite(self, connector_id: int, duration: int, charging_rate_unit: str) -> Any:
        return call_result.GetCompositeSchedule(
            status="Accepted",
            connector_id=connector_id,
            schedule_start=time_now(),
            charging_schedule={
                "duration": duration,
                "charging_rate_unit": charging_rate_unit,
                "charging_schedule_period": [{"start_period": 0, "limit": 6.0}],
            },
        )


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


async def test_local_lists(node: NodeProcess, api: Api) -> None:
    one, two = await api.token(), await api.token()
    async with station_of_kind(FullStation, node, await api.station()) as station:
        job = (await api.command(station.id, "GetLocalListVersion", {})).json()
        assert job["response"] == {"listVersion": 0}
        path = f"/stations/{station.id}/local-list"
        await api.client.put(path, json={"mode": "selection", "selection": [one]})
        await api.post(f"{path}/synchronise")
        assert station.list == {one: "Accepted"}
        await api.post(f"{path}/send", {"id_tags": [two]})
        assert station.list == {one: "Accepted", two: "Accepted"}
        await api.post(f"{path}/send-deletions", {"id_tags": [one]})
        assert station.list == {two: "Accepted"}
        assert station.list_version == 3


async def test_reservations(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with station_of_kind(FullStation, node, await api.station()) as station:
        wish = {"station_id": station.id, "connector_id": 1, "id_tag": tag, "expires_at": in_an_hour()}
        made = await api.post("/reservations", wish)
        number = made["reservation"]["reservation_id"]
        assert station.reservations == {number: tag}
        await api.post(f"/stations/{station.id}/reservations/{number}/cancel")
        assert station.reservations == {}
        refused = await api.post("/reservations", wish | {"connector_id": 2})
        assert refused["reservation"]["state"] == "refused"


async def test_triggers(node: NodeProcess, api: Api) -> None:
    async with station_of_kind(FullStation, node, await api.station()) as station:
        for wanted in ("MeterValues", "Heartbeat", "StatusNotification"):
            more = {} if wanted == "Heartbeat" else {"connectorId": 1}
            job = (await api.command(station.id, "TriggerMessage", {"requestedMessage": wanted} | more)).json()
            assert job["result"] == "Accepted"
            assert await asyncio.wait_for(station.triggered.get(), 10) == wanted
        job = (
            await api.command(station.id, "TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
        ).json()
        assert job["result"] == "NotImplemented"


async def test_charging_profiles(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with station_of_kind(FullStation, node, await api.station()) as station:
        await station.charge(tag)
        path = f"/stations/{station.id}/charging-profiles"
        for connector, preset in ((0, "station_max"), (1, "tx_default"), (1, "tx")):
            sent = await api.post(path, {"connector_id": connector, "preset": preset})
            assert sent["job"]["result"] == "Accepted"
        assert sorted(profile["at"] for profile in station.profiles.values()) == [0, 1, 1]
        transactional = [p for p in station.profiles.values() if p["charging_profile_purpose"] == "TxProfile"]
        assert [profile["transaction_id"] for profile in transactional] == [station.transaction_id]
        compared = await api.post(
            f"/stations/{station.id}/connectors/1/composite-schedule/compare?duration_s=300&unit=A"
        )
        assert compared["ours"]["periods"][0]["limit"] == compared["station"][0]["limit"] == 6.0
        assert compared["differences"] == []
        assert (await api.post(f"{path}/clear", {}))["result"] == "Accepted"
        assert station.profiles == {}
        assert (await api.get(path))["items"] == []
        await station.finish(Reason.local, tag)


async def test_a_remote_start_with_a_profile(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with station_of_kind(FullStation, node, await api.station()) as station:
        profile = {
            "chargingProfileId": 5,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.5}]},
        }
        wish = {"idTag": tag, "connectorId": 1, "chargingProfile": profile}
        job = (await api.command(station.id, "RemoteStartTransaction", wish)).json()
        assert job["result"] == "Accepted"
        await asyncio.wait_for(station.started.wait(), 20)
        await api.job(job, "done")
        held = (await api.get(f"/stations/{station.id}/charging-profiles"))["items"]
        assert [entry["profile"]["transaction_id"] for entry in held] == [str(station.transaction_id)]
        await station.finish(Reason.local)
