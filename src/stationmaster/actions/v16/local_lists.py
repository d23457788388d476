"""GetLocalListVersion and SendLocalList (handbook §3.3.9, §3.3.14, §3.7).

The rule that shapes this file: what a station acknowledged is what it has, whoever sent it.
"""

from stationmaster.actions.v16.command import Asking, Command, Settled, was_never_sent
from stationmaster.domain.local_lists import ListChunk, ListEntry
from stationmaster.instants import parse_instant
from stationmaster.ocpp.v16.local_lists import (
    AuthorizationData,
    GetLocalListVersionRequest,
    GetLocalListVersionResponse,
    SendLocalListRequest,
    SendLocalListResponse,
)
from stationmaster.session.events import CallFailed

__all__ = ["GET_LOCAL_LIST_VERSION", "SEND_LOCAL_LIST"]


def _block_version(_asking: Asking, message: SendLocalListRequest) -> str | None:
    if message.list_version > 0:
        return None
    return "a list has a version above 0; 0 and -1 have meanings of their own (erratum 3.52)"


async def _warn_of_long_list(asking: Asking, message: SendLocalListRequest) -> str | None:
    entries = len(message.local_authorization_list or ())
    for key, what in (("SendLocalListMaxLength", "a message"), ("LocalAuthListMaxLength", "the list")):
        most = await asking.number_of(key)
        if most is not None and entries > most:
            return f"The station takes {most} tokens in {what}; these are {entries}."
    return None


async def _warn_of_entries(_asking: Asking, message: SendLocalListRequest) -> str | None:
    entries = message.local_authorization_list or ()
    tags = [entry.id_tag.lower() for entry in entries]
    if len(set(tags)) < len(tags):
        return "A token stands in the list twice."
    if message.update_type == "Full" and any(entry.id_tag_info is None for entry in entries):
        return "In a full list every token needs its idTagInfo."
    if any(entry.id_tag_info is not None and entry.id_tag_info.status == "ConcurrentTx" for entry in entries):
        return "ConcurrentTx is no status for a list."
    return None


async def _version_told(
    asking: Asking, _message: GetLocalListVersionRequest, response: GetLocalListVersionResponse
) -> Settled:
    lists = asking.context.services.local_lists
    await lists.version_told(asking.organisation_id, asking.station_id, response.list_version)
    return Settled()


async def _list_answered(asking: Asking, message: SendLocalListRequest, response: SendLocalListResponse) -> Settled:
    entries = tuple(_entry_of(each) for each in message.local_authorization_list or ())
    chunk = ListChunk(message.list_version, message.update_type == "Full", entries)
    lists = asking.context.services.local_lists
    await lists.list_answered(asking.organisation_id, asking.station_id, chunk, response.status)
    return Settled()


async def _list_unanswered(asking: Asking, message: SendLocalListRequest, failed: CallFailed) -> None:
    if was_never_sent(failed):
        return
    words = f"Version {message.list_version} was sent and not answered: {failed.state}."
    await asking.context.services.local_lists.in_doubt(asking.organisation_id, asking.station_id, words)


def _entry_of(each: AuthorizationData) -> ListEntry:
    info = each.id_tag_info
    if info is None:
        return ListEntry(each.id_tag, None)
    expires_at = None if info.expiry_date is None else parse_instant(info.expiry_date)
    return ListEntry(each.id_tag, info.status, expires_at, info.parent_id_tag)


GET_LOCAL_LIST_VERSION = Command(settle=_version_told)
SEND_LOCAL_LIST = Command(
    blocks=(_block_version,),
    warnings=(_warn_of_long_list, _warn_of_entries),
    settle=_list_answered,
    unsettled=_list_unanswered,
)
