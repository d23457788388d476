"""DataTransfer, in both directions (handbook §3.2.3)."""

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.command import Command
from stationmaster.actions.v16.context import Situation
from stationmaster.ocpp.v16.data_transfer import DataTransferRequest, DataTransferResponse

__all__ = ["DATA_TRANSFER", "data_transfer"]

DATA_TRANSFER = Command()


async def data_transfer(situation: Situation) -> Answer:
    """Ask the plug-ins; a vendor that none of them names is unknown."""
    context, station, call = situation.context, situation.station, situation.call
    request: DataTransferRequest = call.request
    data = request.data
    answer = await context.services.data_transfers.receive(
        station,
        request.vendor_id,
        request.message_id,
        data,
        call.received_at,
        kept=situation.shown(data),
    )
    return Answer(DataTransferResponse(status=answer.status, data=answer.data))  # type: ignore[arg-type]  # encoding checks it: plug-ins are others'
