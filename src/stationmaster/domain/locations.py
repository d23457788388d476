"""Where on a station something is: the station, one of its EVSEs, a connector of an EVSE.

OCPP 1.6 counts connectors of a station: its connector 0 is the station itself and its
connector n is EVSE n with connector 1 (2.0.1 slice §6 rule 1).
"""

import msgspec


class Location(msgspec.Struct, frozen=True, gc=False):
    """A place on a station; `evse_id` and `connector_id` are None for the station as a whole."""

    station_id: str
    evse_id: int | None = None
    connector_id: int | None = None

    @classmethod
    def of_connector_number(cls, station_id: str, number: int) -> "Location":
        """The place that OCPP 1.6 calls connector `number` (0 is the station)."""
        return cls(station_id) if number == 0 else cls(station_id, number, 1)

    @property
    def connector_number(self) -> int:
        """The connector number in the words of OCPP 1.6: 0 for the station."""
        return self.evse_id or 0
