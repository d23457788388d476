"""Reservations: made, cancelled, and shown with their history."""

from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.commands import JobView
from stationmaster.api.commands import view as job_view
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.reservations import Reservation
from stationmaster.services.reservations import NewReservation

router = APIRouter(tags=["Reservations"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("reservations:read"))]
Writer = Annotated[Principal, Depends(may("reservations:write"))]
ReservationId = Annotated[int, Path(ge=-(2**31), le=2**31 - 1)]
WAIT_S: Final = 31.0


class StepView(View):
    """A state that a reservation came to, and why."""

    at: Moment
    state: str
    why: str


class ReservationView(View):
    """A reservation."""

    station_id: str
    reservation_id: int
    site_id: str | None
    connector_id: int = Field(validation_alias="evse_id", description="0: any connector of the station.")
    id_tag: str
    parent_id_tag: str | None
    expires_at: Moment
    state: str
    answer: str | None = Field(description="What the station said last.")
    transaction_id: int | None = Field(description="The `id` of the transaction that fulfilled it.")
    created_at: Moment
    updated_at: Moment
    history: list[StepView]


class ReservationBody(Body):
    """A reservation that is wanted."""

    station_id: Text = Field(min_length=1)
    connector_id: int = Field(default=0, ge=0, le=2**31 - 1, description="0: any connector of the station.")
    id_tag: Text = Field(min_length=1, max_length=20)
    expires_at: InstantIn
    reservation_id: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="Drawn if not given; one in use is replaced."
    )
    parent_id_tag: Text | None = Field(
        default=None, max_length=20, description="Left out: the group of the token. Null: none is sent."
    )


class ReservedView(View):
    """The job that asked the station, and the reservation as it is then."""

    job: JobView
    reservation: ReservationView | None


class ReservationFilters(Filters):
    """What reservations can be narrowed by."""

    station_id: Text | None = None
    state: (
        Literal[
            "requested",
            "active",
            "refused",
            "used",
            "expired",
            "cancelled",
            "ended_by_fault",
            "replaced",
            "ended_at_station",
        ]
        | None
    ) = None
    id_tag: Text | None = None
    since: InstantIn | None = None
    until: InstantIn | None = None


@router.get("/reservations", response_model=Listed[ReservationView], responses=LISTED)
async def list_reservations(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[ReservationFilters, Query()]
) -> Any:
    """All reservations, the newest first."""
    find = partial(
        context.storage.reservations.find, principal.organisation_id, site_ids=principal.site_ids, **filters.wanted()
    )
    return await listing(filters, wanted, find, _view, "reservations")


@router.post("/reservations")
async def make_reservation(body: ReservationBody, principal: Writer, context: Context) -> ReservedView:
    """Have a station keep a connector for a token. Its answer is in the job, whatever it is."""
    station = await station_of(context, principal, body.station_id)
    number = body.reservation_id or await context.storage.reservations.draw_id()
    new = NewReservation(
        evse_id=body.connector_id or None,
        id_tag=body.id_tag,
        expires_at=body.expires_at,
        reservation_id=number,
        parent_id_tag=body.parent_id_tag,
        fill_in_parent="parent_id_tag" not in body.model_fields_set,
    )
    job = await context.services.reservations.make(station, new, requested_by=principal.actor, wait_s=WAIT_S)
    made = await context.storage.reservations.get(body.station_id, number)
    return ReservedView(job=job_view(job), reservation=None if made is None else _view(made))


@router.get("/stations/{station_id}/reservations/{reservation_id}")
async def read_reservation(
    station_id: StationId, reservation_id: ReservationId, principal: Reader, context: Context
) -> ReservationView:
    """One reservation, with its history."""
    await station_of(context, principal, station_id)
    found = await context.storage.reservations.get(station_id, reservation_id)
    if found is None:
        raise unknown("reservation", "reservation_unknown")
    return _view(found)


@router.post("/stations/{station_id}/reservations/{reservation_id}/cancel")
async def cancel_reservation(
    station_id: StationId, reservation_id: ReservationId, principal: Writer, context: Context
) -> JobView:
    """Have the station give a reservation up."""
    station = await station_of(context, principal, station_id)
    job = await context.services.reservations.cancel(
        station, reservation_id, requested_by=principal.actor, wait_s=WAIT_S
    )
    return job_view(job)


def _view(found: Reservation) -> ReservationView:
    return ReservationView.model_validate(_Told(found))


class _Told:
    """A reservation whose place is a number."""

    def __init__(self, found: Reservation) -> None:
        self._found = found
        self.evse_id = found.evse_id or 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)
