"""A station that nobody here wrote: the client of the PyPI package `ocpp`, as its users write one, against a node.

It completes sessions and obeys what operators ask through the REST API.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import (
    Action,
    AvailabilityStatus,
    ChargePointErrorCode,
    ChargePointStatus,
    ConfigurationStatus,
    Reason,
    RegistrationStatus,
    RemoteStartStopStatus,
    ResetStatus,
    UnlockStatus,
)
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.headers import build_authorization_basic
from websockets.typing import Subprotocol

from tests.walks.handlers import after, on
from tests.walks.running import PASSWORD, Api, NodeProcess

MEASURED = (
    ("Energy.Active.Import.Register", "Wh", None),
    ("Power.Active.Import", "W", None),
    ("Voltage", "V", "L1-N"),
)


def time_now() -> str:
    return datetime.now(UTC).isoformat()


class ForeignStation(ChargePoint):  # type: ignore[misc]  # the package has no types
    """One connector, one driver, as the library's documentation would have it."""

    def __init__(self, identity: str, socket: Any) -> None:
        super().__init__(identity, socket, response_timeout=20)
        self.configuration = {"MeterValueSampleInterval": "60", "SupportedFeatureProfiles": "Core"}
        self.transaction_id = 0
        self.register_wh = 1000
        self.reset_requested = asyncio.Event()
        self.stopped = asyncio.Event()
        self.started = asyncio.Event()
        self.unavailable = asyncio.Event()
        self.came_along: dict[str, Any] | None = None
        """The profile within the latest remote start."""

    # What it does by itself.

    async def boot(self) -> None:
        answer = await self.call(call.BootNotification(charge_point_model="Foreign", charge_point_vendor="Elsewhere"))
        assert answer.status == RegistrationStatus.accepted
        await self.status(ChargePointStatus.available)
        assert (await self.call(call.Heartbeat())).current_time

    async def status(self, status: ChargePointStatus) -> None:
        await self.call(
            call.StatusNotification(connector_id=1, error_code=ChargePointErrorCode.no_error, status=status)
        )

    async def charge(self, id_tag: str, reservation_id: int | None = None) -> None:
        """Authorize, start, and two rounds of meter values."""
        assert (await self.call(call.Authorize(id_tag=id_tag))).id_tag_info["status"] == "Accepted"
        await self.status(ChargePointStatus.preparing)
        start = call.StartTransaction(
            connector_id=1,
            id_tag=id_tag,
            meter_start=self.register_wh,
            timestamp=time_now(),
            reservation_id=reservation_id,
        )
        answer = await self.call(start)
        assert answer.id_tag_info["status"] == "Accepted"
        self.transaction_id = answer.transaction_id
        await self.status(ChargePointStatus.charging)
        for _ in range(2):
            self.register_wh += 500
            samples = [
                {"value": str(self.register_wh), "measurand": name, "unit": unit} | ({"phase": phase} if phase else {})
                for name, unit, phase in MEASURED
            ]
            await self.call(
                call.MeterValues(
                    connector_id=1,
                    transaction_id=self.transaction_id,
                    meter_value=[{"timestamp": time_now(), "sampled_value": samples}],
                )
            )
        self.started.set()

    async def finish(self, reason: Reason, id_tag: str | None = None) -> None:
        """Stop, and be free again."""
        stop = call.StopTransaction(
            meter_stop=self.register_wh,
            timestamp=time_now(),
            transaction_id=self.transaction_id,
            reason=reason,
            id_tag=id_tag,
        )
        answer = await self.call(stop)
        assert (answer.id_tag_info is None) == (id_tag is None)
        await self.status(ChargePointStatus.finishing)
        await self.status(ChargePointStatus.available)
        self.stopped.set()

    # What it is asked for.

    @on(Action.remote_start_transaction)
    def on_remote_start(self, id_tag: str, charging_profile: dict[str, Any] | None = None, **_: Any) -> Any:
        self.came_along = charging_profile
        return call_result.RemoteStartTransaction(status=RemoteStartStopStatus.accepted)

    @after(Action.remote_start_transaction)
    async def after_remote_start(self, id_tag: str, **_: Any) -> None:
        await self.charge(id_tag)

    @on(Action.remote_stop_transaction)
    def on_remote_stop(self, transaction_id: int) -> Any:
        runs = transaction_id == self.transaction_id
        status = RemoteStartStopStatus.accepted if runs else RemoteStartStopStatus.rejected
        return call_result.RemoteStopTransaction(status=status)

    @after(Action.remote_stop_transaction)
    async def after_remote_stop(self, transaction_id: int) -> None:
        if transaction_id == self.transaction_id:
            await self.finish(Reason.remote)

    @on(Action.reset)
    def on_reset(self, type: str) -> Any:
        return call_result.Reset(status=ResetStatus.accepted)

    @after(Action.reset)
    async def after_reset(self, type: str) -> None:
        self.reset_requested.set()

    @on(Action.unlock_connector)
    def on_unlock(self, connector_id: int) -> Any:
        return call_result.UnlockConnector(
            status=UnlockStatus.unlocked if connector_id == 1 else UnlockStatus.not_supported
        )

    @on(Action.get_configuration)
    def on_get_configuration(self, key: list[str] | None = None) -> Any:
        wanted = key or list(self.configuration)
        return call_result.GetConfiguration(
            configuration_key=[
                {"key": name, "readonly": name.startswith("Supported"), "value": self.configuration[name]}
                for name in wanted
                if name in self.configuration
            ],
            unknown_key=[name for name in wanted if name not in self.configuration],
        )

    @on(Action.change_configuration)
    def on_change_configuration(self, key: str, value: str) -> Any:
        if key not in self.configuration:
            return call_result.ChangeConfiguration(status=ConfigurationStatus.not_supported)
        if key.startswith("Supported"):
            return call_result.ChangeConfiguration(status=ConfigurationStatus.rejected)
        self.configuration[key] = value
        return call_result.ChangeConfiguration(status=ConfigurationStatus.accepted)

    @on(Action.change_availability)
    def on_change_availability(self, connector_id: int, type: str) -> Any:
        return call_result.ChangeAvailability(status=AvailabilityStatus.accepted)

    @after(Action.change_availability)
    async def after_change_availability(self, connector_id: int, type: str) -> None:
        await self.status(ChargePointStatus.unavailable if type == "Inoperative" else ChargePointStatus.available)
        self.unavailable.set()


S = TypeVar("S", bound=ForeignStation)


def foreign_station(node: NodeProcess, identity: str) -> AbstractAsyncContextManager[ForeignStation]:
    """A foreign station that is connected and booted."""
    return station_of_kind(ForeignStation, node, identity)


@asynccontextmanager
async def station_of_kind(kind: type[S], node: NodeProcess, identity: str) -> AsyncIterator[S]:
    """The same of some kind of foreign station."""
    async with connect(
        f"{node.url}/{identity}",
        subprotocols=[Subprotocol("ocpp1.6")],
        additional_headers={"Authorization": build_authorization_basic(identity, PASSWORD)},
        proxy=None,
    ) as socket:
        station = kind(identity, socket)
        listening = asyncio.create_task(_listen(station))
        await station.boot()
        yield station
    await listening


async def _listen(station: ForeignStation) -> None:
    try:
        await station.start()
    except ConnectionClosed:
        return


async def command(api: Api, identity: str, action: str, payload: dict[str, Any]) -> Any:
    """Send a command; the job."""
    answer = await api.command(identity, action, payload)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_it_charges(node: NodeProcess, api: Api) -> None:
    identity, tag = await api.station(), await api.token()
    async with foreign_station(node, identity) as station:
        await station.charge(tag)
        await station.finish(Reason.local, tag)
    stored = await api.transaction(identity)
    assert (stored["state"], stored["energy_wh"], stored["stop_reason"]) == ("closed", 1000, "Local")
    assert (stored["transaction_id"], stored["id_tag"]) == (station.transaction_id, tag)
    sets = await api.everything(f"/transactions/{stored['id']}/meter-values")
    registers = [one["samples"][0]["value"] for one in sets]
    assert registers == [1500, 2000]
    assert {sample["measurand"] for one in sets for sample in one["samples"]} == {name for name, _, _ in MEASURED}
    seen = await api.get(f"/stations/{identity}")
    assert (seen["vendor"], seen["model"], seen["connected"]) == ("Elsewhere", "Foreign", False)


async def test_it_is_started_and_stopped_from_afar(node: NodeProcess, api: Api) -> None:
    identity, tag = await api.station(), await api.token()
    async with foreign_station(node, identity) as station:
        job = await command(api, identity, "RemoteStartTransaction", {"idTag": tag, "connectorId": 1})
        assert job["response"] == {"status": "Accepted"}
        await asyncio.wait_for(station.started.wait(), 20)
        assert (await api.job(job, "done"))["finished"]
        unknown = await command(api, identity, "RemoteStopTransaction", {"transactionId": 4711})
        assert unknown["result"] == "Rejected"
        job = await command(api, identity, "RemoteStopTransaction", {"transactionId": station.transaction_id})
        assert job["response"] == {"status": "Accepted"}
        await asyncio.wait_for(station.stopped.wait(), 20)
        await api.job(job, "done")
    stored = await api.transaction(identity)
    assert (stored["state"], stored["stop_reason"]) == ("closed", "Remote")


async def test_it_is_reset(node: NodeProcess, api: Api) -> None:
    identity = await api.station()
    async with foreign_station(node, identity) as station:
        job = await command(api, identity, "Reset", {"type": "Soft"})
        assert (job["state"], job["response"]) == ("waiting", {"status": "Accepted"})
        await asyncio.wait_for(station.reset_requested.wait(), 20)
    async with foreign_station(node, identity):
        await api.job(job, "done")


async def test_its_lock_is_opened(node: NodeProcess, api: Api) -> None:
    identity = await api.station()
    async with foreign_station(node, identity):
        assert (await command(api, identity, "UnlockConnector", {"connectorId": 1}))["result"] == "Unlocked"
        assert (await command(api, identity, "UnlockConnector", {"connectorId": 9}))["result"] == "NotSupported"


async def test_its_configuration_is_read_and_changed(node: NodeProcess, api: Api) -> None:
    identity = await api.station()
    async with foreign_station(node, identity) as station:
        everything = await command(api, identity, "GetConfiguration", {})
        assert {entry["key"] for entry in everything["response"]["configurationKey"]} == set(station.configuration)
        some = await command(api, identity, "GetConfiguration", {"key": ["Nonsense", "MeterValueSampleInterval"]})
        assert some["response"]["unknownKey"] == ["Nonsense"]
        change = {"key": "MeterValueSampleInterval", "value": "30"}
        assert (await command(api, identity, "ChangeConfiguration", change))["result"] == "Accepted"
        assert station.configuration["MeterValueSampleInterval"] == "30"
        refused = {"key": "SupportedFeatureProfiles", "value": "Everything"}
        assert (await command(api, identity, "ChangeConfiguration", refused))["result"] == "Rejected"
    known = await api.everything(f"/stations/{identity}/configuration")
    assert {entry["variable"]: entry["value"] for entry in known if entry["supported"]} == station.configuration


async def test_its_availability_is_changed(node: NodeProcess, api: Api) -> None:
    identity = await api.station()
    async with foreign_station(node, identity) as station:
        wish = {"connectorId": 1, "type": "Inoperative"}
        assert (await command(api, identity, "ChangeAvailability", wish))["result"] == "Accepted"
        await asyncio.wait_for(station.unavailable.wait(), 20)
        connectors = (await api.get(f"/stations/{identity}/connectors"))["items"]
        assert next(one for one in connectors if one["connector_id"] == 1)["status"] == "Unavailable"
