"""Stations: registered, changed, accepted at the door, and why one cannot come in."""

from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.listing import LISTED, WantedFormat, WholeFormat, listing, whole
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.stations import Station
from stationmaster.services.stations import NewStation, Registered

router = APIRouter(tags=["Stations"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("stations:read"))]
Writer = Annotated[Principal, Depends(may("stations:write"))]
Sender = Annotated[Principal, Depends(may("commands:send"))]
OperatorState = Literal["Accepted", "Pending", "Rejected"]
ClientCertCheck = Literal["strict", "cn", "pinned"]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class StationView(View):
    """A registered station."""

    id: str
    name: str | None
    site_id: str | None
    operator_state: str = Field(description="What the operator wants: Accepted, Pending or Rejected.")
    reported_state: str | None = Field(description="What its last BootNotification was answered with.")
    security_profile: int
    pending_security_profile: int | None
    has_password: bool
    quirk_profile_id: str | None = Field(description="The quirk profile that was chosen for it.")
    strict: bool = Field(description="Deviations from the specification are refused instead of tolerated.")
    automation: bool = Field(description="False: nothing is sent that nobody asked for.")
    call_timeout_s: int | None
    ping_interval_s: int | None
    serial_number: str | None
    client_cert_check: str = Field(
        description="How its client certificate must fit: strict (O and CN), cn, or pinned (one certificate)."
    )
    pinned_fingerprint: str | None
    vendor: str | None
    model: str | None
    charge_box_serial_number: str | None
    firmware_version: str | None
    iccid: str | None
    imsi: str | None
    meter_type: str | None
    meter_serial_number: str | None
    protocol: str | None = Field(validation_alias="last_protocol", description="The protocol it last spoke.")
    connected: bool
    node_id: str | None
    remote_address: str | None
    contested_since: Moment | None = Field(
        description="Since when two devices claim its identity: whoever is in stays in until somebody settles it."
    )
    connected_at: Moment | None
    disconnected_at: Moment | None
    last_boot_at: Moment | None
    last_seen_at: Moment | None
    latitude: float | None
    longitude: float | None
    note: str | None
    created_at: Moment
    updated_at: Moment


class RegisteredStationView(StationView):
    """A station, and the password that was made for it."""

    password: str | None = Field(default=None, description="To be typed into the station; it is never shown again.")


class StationChanges(Body):
    """What can be changed of a station. What is left out stays as it is."""

    name: Text | None = None
    site_id: Text | None = None
    operator_state: OperatorState | None = None
    security_profile: int | None = Field(default=None, ge=0, le=3)
    password: Text | None = Field(
        default=None, description="At least 16 bytes. Left out, one is made if one is needed."
    )
    serial_number: Text | None = None
    client_cert_check: ClientCertCheck | None = None
    pinned_fingerprint: Fingerprint | None = Field(
        default=None, description="SHA-256 of the only client certificate that is accepted, where the check is pinned."
    )
    quirk_profile_id: Text | None = None
    strict: bool | None = None
    automation: bool | None = None
    call_timeout_s: int | None = Field(default=None, ge=1, le=600)
    ping_interval_s: int | None = Field(default=None, ge=0, le=3600)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    note: str | None = Field(default=None, max_length=2000)

    def given(self) -> dict[str, Any]:
        """The members that were sent; null takes a value away where there may be none."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewStationBody(StationChanges):
    """A station to be registered."""

    id: Text = Field(min_length=1, description="Its identity: the last part of the URL that it connects to.")


class Settlement(Body):
    """How a contest of two devices ends."""

    disconnect: bool = Field(default=False, description="Part with the one that is in, so that the other may come.")


class RefusedHandshakeView(View):
    """A station that was turned away: who, from where, and why, in words."""

    station_id: str = Field(description="The identity it claimed.")
    known: bool = Field(description="Whether a station of that identity is registered.")
    remote_address: str
    path: str
    status: int = Field(description="What it was answered; 0: TLS failed, so there was no answer.")
    reason: str
    detail: str
    subprotocols: str | None
    user_agent: str | None
    count: int
    first_at: Moment
    last_at: Moment


class OddityView(View):
    """A deviation from the specification that was tolerated, and how often."""

    kind: str
    action: str | None
    path: str
    raw: str
    count: int
    first_at: Moment
    last_at: Moment


class StationFilters(Filters):
    """What stations can be narrowed by."""

    site_id: Text | None = None
    operator_state: OperatorState | None = None
    connected: bool | None = None
    vendor: Text | None = None
    model: Text | None = None
    search: Text | None = Field(default=None, description="Part of id, name, serial number, vendor or model.")


class RefusalFilters(Filters):
    """What refused handshakes can be narrowed by."""

    station_id: Text | None = None
    known: bool | None = Field(default=None, description="False: only stations that nobody has registered.")
    reason: Text | None = None
    since: InstantIn | None = None


@router.get("/stations", response_model=Listed[StationView], responses=LISTED)
async def list_stations(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[StationFilters, Query()]
) -> Any:
    """All stations, in the order of their ids."""
    find = partial(
        context.storage.stations.find, principal.organisation_id, site_ids=principal.site_ids, **filters.wanted()
    )
    return await listing(filters, wanted, find, view, "stations")


@router.post("/stations", status_code=201)
async def register_station(
    body: NewStationBody, principal: Writer, context: Context, response: Response
) -> RegisteredStationView:
    """Register a station. Where its profile needs a password and none is given, one is made and shown here, once."""
    principal.require_site(body.site_id)
    registered = await context.services.stations.create(principal.organisation_id, _new(body))
    response.headers["Location"] = f"/api/v1/stations/{quote(registered.station.id, safe='')}"
    return _registered_view(registered)


@router.get("/stations/{station_id}")
async def read_station(station_id: StationId, principal: Reader, context: Context) -> StationView:
    """One station."""
    return view(await station_of(context, principal, station_id))


@router.patch("/stations/{station_id}")
async def change_station(
    station_id: StationId, body: StationChanges, principal: Writer, context: Context
) -> RegisteredStationView:
    """Change a station. A new password or profile takes effect when it connects the next time."""
    await station_of(context, principal, station_id)
    changes = body.given()
    if "site_id" in changes:
        principal.require_site(body.site_id)
    return _registered_view(await context.services.stations.update(principal.organisation_id, station_id, changes))


@router.delete("/stations/{station_id}", status_code=204)
async def delete_station(station_id: StationId, principal: Writer, context: Context) -> None:
    """Forget a station. Its transactions stay."""
    await station_of(context, principal, station_id)
    await context.services.stations.delete(principal.organisation_id, station_id)


@router.post("/stations/{station_id}/accept")
async def accept_station(
    station_id: StationId, principal: Writer, context: Context, body: StationChanges | None = None
) -> RegisteredStationView:
    """Let a station in that stands at the door: register it if nobody has, and set it to Accepted."""
    known = await context.storage.stations.get(station_id)
    if known is None:
        principal.require_site(body.site_id if body else None)
    elif not principal.sees(known):
        raise unknown("station", "station_unknown")
    given = body.given() if body else {}
    new = NewStation(id=station_id, **{name: value for name, value in given.items() if value is not None})
    return _registered_view(await context.services.stations.accept(principal.organisation_id, new))


@router.post("/stations/{station_id}/password")
async def renew_password(station_id: StationId, principal: Writer, context: Context) -> RegisteredStationView:
    """Make a new password for a station that is set up by hand. It is shown here, once."""
    await station_of(context, principal, station_id)
    return _registered_view(await context.services.stations.renew_password(principal.organisation_id, station_id))


@router.post("/stations/{station_id}/settle-identity")
async def settle_identity(
    station_id: StationId, principal: Writer, context: Context, body: Settlement | None = None
) -> StationView:
    """End the contest of two devices for an identity: from now on the newest connection wins again."""
    await station_of(context, principal, station_id)
    settle = context.services.identity_contests.settle
    disconnect = body is not None and body.disconnect
    return view(await settle(principal.organisation_id, station_id, disconnect=disconnect))


@router.post("/stations/{station_id}/disconnect", status_code=204)
async def disconnect_station(station_id: StationId, principal: Sender, context: Context) -> None:
    """Close a station's connection. It may connect again, and is what its last boot made of it until it boots anew."""
    await station_of(context, principal, station_id)
    await context.services.disconnections.disconnect(principal.organisation_id, station_id)


@router.get("/stations/{station_id}/oddities", response_model=Listed[OddityView], responses=LISTED)
async def list_oddities(station_id: StationId, principal: Reader, context: Context, wanted: WholeFormat) -> Any:
    """In what ways the station departs from the specification, and how often it did."""
    await station_of(context, principal, station_id)
    oddities = await context.storage.oddities.of(station_id)
    return whole(wanted, [OddityView.model_validate(each) for each in oddities], "oddities")


@router.get("/refused-handshakes", response_model=Listed[RefusedHandshakeView], responses=LISTED)
async def list_refused_handshakes(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[RefusalFilters, Query()]
) -> Any:
    """Why a station cannot connect: who was turned away at the door, the latest first."""
    # What belongs to nobody is shown to whoever may register it.
    organisations = [principal.organisation_id, ""] if principal.site_ids is None else principal.organisation_id
    find = partial(context.storage.attempts.find, organisations, **filters.wanted())
    return await listing(filters, wanted, find, RefusedHandshakeView.model_validate, "refused-handshakes")


def view(station: Station) -> StationView:
    """What is told of a station: everything but its secrets."""
    return StationView.model_validate(_Told(station))


async def station_of(context: ApiContext, principal: Principal, station_id: str) -> Station:
    """A station that the principal may see; raises NotFound."""
    station = await context.storage.stations.get(station_id)
    if station is None or not principal.sees(station):
        raise unknown("station", "station_unknown")
    return station


class _Told:
    """A station with what is said of its password instead of the password."""

    def __init__(self, station: Station, password: str | None = None) -> None:
        self._station = station
        self.has_password = station.password_hash is not None
        self.password = password

    def __getattr__(self, name: str) -> Any:
        return getattr(self._station, name)


def _new(body: NewStationBody) -> NewStation:
    return NewStation(**{name: value for name, value in body.given().items() if value is not None})


def _registered_view(registered: Registered) -> RegisteredStationView:
    return RegisteredStationView.model_validate(_Told(registered.station, registered.password))
