"""The foreign station with every optional profile of OCPP 1.6, on the client of the PyPI package `ocpp`."""

import asyncio
from typing import Any

from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action, ChargePointStatus, DiagnosticsStatus

from tests.walks.handlers import after, on
from tests.walks.test_foreign_station import ForeignStation, time_now

TRIGGERED = ("MeterValues", "Heartbeat", "StatusNotification", "DiagnosticsStatusNotification")


class FullStation(ForeignStation):
    """Does what it is asked; `says` has other answers, by action, that change nothing."""

    def __init__(self, identity: str, socket: Any) -> None:
        super().__init__(identity, socket)
        self.says: dict[str, str] = {}
        self.list_version = 0
        self.list: dict[str, Any] = {}
        self.lists: list[dict[str, Any]] = []
        """Every list that came, as it came."""
        self.reservations: dict[int, dict[str, Any]] = {}
        self.profiles: dict[int, dict[str, Any]] = {}
        self.cleared: list[dict[str, Any]] = []
        self.triggered: asyncio.Queue[str] = asyncio.Queue()

    @on(Action.get_local_list_version)
    def on_version(self) -> Any:
        return call_result.GetLocalListVersion(list_version=self.list_version)

    @on(Action.send_local_list)
    def on_list(self, list_version: int, update_type: str, local_authorization_list: Any = None) -> Any:
        entries = local_authorization_list or []
        self.lists.append({"version": list_version, "type": update_type, "entries": entries})
        if "SendLocalList" in self.says:
            return call_result.SendLocalList(status=self.says["SendLocalList"])
        if update_type == "Full":
            self.list.clear()
        for entry in entries:
            if "id_tag_info" in entry:
                self.list[entry["id_tag"]] = entry["id_tag_info"]["status"]
            else:
                self.list.pop(entry["id_tag"], None)
        self.list_version = list_version
        return call_result.SendLocalList(status="Accepted")

    @on(Action.reserve_now)
    def on_reserve(self, reservation_id: int, **wish: Any) -> Any:
        if "ReserveNow" not in self.says:
            self.reservations[reservation_id] = wish
        return call_result.ReserveNow(status=self.says.get("ReserveNow", "Accepted"))

    @after(Action.reserve_now)
    async def after_reserve(self, reservation_id: int, **_: Any) -> None:
        if reservation_id in self.reservations:
            await self.status(ChargePointStatus.reserved)

    @on(Action.cancel_reservation)
    def on_cancel(self, reservation_id: int) -> Any:
        known = self.reservations.pop(reservation_id, None) is not None
        return call_result.CancelReservation(status="Accepted" if known else "Rejected")

    @on(Action.trigger_message)
    def on_trigger(self, requested_message: str, **_: Any) -> Any:
        status = "Accepted" if requested_message in TRIGGERED else "NotImplemented"
        return call_result.TriggerMessage(status=self.says.get("TriggerMessage", status))

    @after(Action.trigger_message)
    async def after_trigger(self, requested_message: str, **_: Any) -> None:
        if "TriggerMessage" in self.says or requested_message not in TRIGGERED:
            return
        if requested_message == "Heartbeat":
            await self.call(call.Heartbeat())
        elif requested_message == "StatusNotification":
            await self.status(ChargePointStatus.available)
        elif requested_message == "DiagnosticsStatusNotification":
            await self.call(call.DiagnosticsStatusNotification(status=DiagnosticsStatus.idle))
        else:
            value = {"timestamp": time_now(), "sampled_value": [{"value": "1", "context": "Trigger"}]}
            await self.call(call.MeterValues(connector_id=1, meter_value=[value]))
        self.triggered.put_nowait(requested_message)

    @on(Action.set_charging_profile)
    def on_profile(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        self.profiles[cs_charging_profiles["charging_profile_id"]] = cs_charging_profiles | {"at": connector_id}
        return call_result.SetChargingProfile(status="Accepted")

    @on(Action.clear_charging_profile)
    def on_clear(self, **wanted: Any) -> Any:
        self.cleared.append(wanted)
        names = {"id": "charging_profile_id", "connector_id": "at"}
        wanted = {names.get(name, name): value for name, value in wanted.items()}
        matching = [number for number, profile in self.profiles.items() if wanted.items() <= profile.items()]
        for number in matching:
            del self.profiles[number]
        return call_result.ClearChargingProfile(status="Accepted" if matching else "Unknown")

    @on(Action.get_composite_schedule)
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
