"""How the API names a place on a station.

`evse_id` and `connector_id` are told side by side. For stations of OCPP 1.6, which count
connectors of the station, `connector_id` is that count: 0 is the station itself, n is EVSE n.
"""

__all__ = ["connector_number"]

_COUNTS_CONNECTORS_OF_THE_STATION = "ocpp1.6"


def connector_number(protocol: str | None, evse_id: int | None, connector_id: int | None) -> int | None:
    """The connector as the station counts it; without a known protocol as OCPP 1.6 does."""
    if protocol in (None, _COUNTS_CONNECTORS_OF_THE_STATION):
        return evse_id or 0
    return connector_id
