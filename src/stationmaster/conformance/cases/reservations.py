"""Reservations (handbook §5.6)."""

import asyncio
import itertools
from datetime import UTC, datetime
from typing import Any

from stationmaster.conformance.kit import Functionality, case, must
from stationmaster.conformance.lab import Lab, LabStation, in_s, same

RESERVATION = Functionality.RESERVATION
LONG_S = 3600.0
_ids = itertools.count(1)


async def _reserve(lab: Lab, station: LabStation, answer: str = "Accepted", **changes: Any) -> dict[str, Any]:
    """An operator reserves; what came."""
    wish = {
        "connectorId": lab.settings.connector_id,
        "expiryDate": in_s(LONG_S),
        "idTag": lab.settings.valid_id_tag,
        "reservationId": next(_ids),
    } | changes
    asked_at = datetime.now(UTC)
    lab.press("ReserveNow", wish)
    sent = (await station.obey("ReserveNow", {"status": answer})).payload
    same(sent["connectorId"], wish["connectorId"], "connectorId")
    same(sent["idTag"], wish["idTag"], "idTag")
    expiry = datetime.fromisoformat(sent["expiryDate"])
    # Held against the time of the wish: how long pressing a button takes is no matter of this case.
    must(expiry > asked_at, f"expiryDate {sent['expiryDate']} is over")
    await lab.settled()
    return sent


@case("TC_046", "Reservation of a connector, transaction", RESERVATION, operator=True)
async def transaction(lab: Lab) -> None:
    """<< ReserveNow; >> Reserved; Charging with the reservation's id."""
    async with lab.station() as station:
        sent = await _reserve(lab, station)
        await station.status("Reserved")
        await station.charge(reservationId=sent["reservationId"])


@case("TC_047", "Reservation of a connector, expires", RESERVATION, operator=True)
async def expires(lab: Lab) -> None:
    """<< ReserveNow; >> Reserved, and Available when its time is over."""
    async with lab.station() as station:
        await _reserve(lab, station, expiryDate=in_s(lab.settings.reservation_s))
        await station.status("Reserved")
        await asyncio.sleep(lab.settings.reservation_s)
        await station.status("Available")


@case("TC_048_1", "Reservation of a connector, faulted", RESERVATION, operator=True)
async def faulted(lab: Lab) -> None:
    """<< ReserveNow; >> Faulted."""
    async with lab.station() as station:
        await _reserve(lab, station, "Faulted")


@case("TC_048_2", "Reservation of a connector, occupied", RESERVATION, operator=True)
async def occupied(lab: Lab) -> None:
    """>> Preparing; << ReserveNow all the same; >> Occupied."""
    async with lab.station() as station:
        await station.status("Preparing")
        await _reserve(lab, station, "Occupied")


@case("TC_048_3", "Reservation of a connector, unavailable", RESERVATION, operator=True)
async def unavailable(lab: Lab) -> None:
    """<< ChangeAvailability Inoperative; >> Unavailable; << ReserveNow all the same; >> Unavailable."""
    async with lab.station() as station:
        for kind, word in (("Inoperative", "Unavailable"), ("Operative", "Available")):
            lab.press("ChangeAvailability", {"connectorId": lab.settings.connector_id, "type": kind})
            sent = (await station.obey("ChangeAvailability", {"status": "Accepted"})).payload
            same((sent["connectorId"], sent["type"]), (lab.settings.connector_id, kind), "connectorId and type")
            await lab.settled()
            await station.status(word)
            if kind == "Inoperative":
                await _reserve(lab, station, "Unavailable")


@case("TC_048_4", "Reservation of a connector, rejected", RESERVATION, operator=True)
async def rejected(lab: Lab) -> None:
    """<< ReserveNow; >> Rejected."""
    async with lab.station() as station:
        await _reserve(lab, station, "Rejected")


@case("TC_049", "Reservation of the charge point, transaction", RESERVATION, operator=True)
async def whole_station(lab: Lab) -> None:
    """<< ReserveNow of connector 0; >> Accepted, Reserved."""
    async with lab.station() as station:
        await _reserve(lab, station, connectorId=0)
        await station.status("Reserved")


async def _cancel(lab: Lab, station: LabStation, reservation_id: int, answer: str) -> None:
    lab.press("CancelReservation", {"reservationId": reservation_id})
    sent = (await station.obey("CancelReservation", {"status": answer})).payload
    same(sent["reservationId"], reservation_id, "reservationId")


@case("TC_051", "Cancel reservation", RESERVATION, operator=True)
async def cancel(lab: Lab) -> None:
    """<< ReserveNow, CancelReservation of the same id; >> Accepted, Available."""
    async with lab.station() as station:
        sent = await _reserve(lab, station)
        await station.status("Reserved")
        await _cancel(lab, station, sent["reservationId"], "Accepted")
        await station.status("Available")


@case("TC_052", "Cancel reservation, rejected", RESERVATION, operator=True)
async def cancel_rejected(lab: Lab) -> None:
    """<< ReserveNow, CancelReservation; >> Rejected, for the station has it no more."""
    async with lab.station() as station:
        sent = await _reserve(lab, station)
        await station.status("Reserved")
        await _cancel(lab, station, sent["reservationId"], "Rejected")


@case("TC_053", "Use a reserved connector with parentIdTag", RESERVATION, operator=True)
async def parent(lab: Lab) -> None:
    """<< ReserveNow with parentIdTag; >> another token of the group: the same parentIdTag, and it charges."""
    async with lab.station() as station:
        sent = await _reserve(lab, station, parentIdTag=lab.settings.parent_id_tag)
        same(sent.get("parentIdTag"), lab.settings.parent_id_tag, "parentIdTag")
        await station.status("Reserved")
        info = await station.authorize(lab.settings.second_id_tag)
        same(info.get("parentIdTag"), lab.settings.parent_id_tag, "parentIdTag of Authorize")
        await station.status("Preparing")
        await station.start(lab.settings.second_id_tag, reservationId=sent["reservationId"])
        await station.status("Charging")
