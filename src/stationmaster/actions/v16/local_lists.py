"""GetLocalListVersion and SendLocalList as plain commands (handbook §3.3.9, §3.3.14, §3.7)."""

from stationmaster.actions.v16.command import Asking, Command
from stationmaster.ocpp.v16.local_lists import SendLocalListRequest

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


GET_LOCAL_LIST_VERSION = Command()
SEND_LOCAL_LIST = Command(blocks=(_block_version,), warnings=(_warn_of_long_list, _warn_of_entries))
