"""GetLocalListVersion and SendLocalList. Source: handbook 2.3, 3.3.9, 3.3.14."""

from typing import Literal

from stationmaster.ocpp.fields import IdToken, Integer, Maybe, Message

from .authorization import IdTagInfo

UpdateType = Literal["Differential", "Full"]
UpdateStatus = Literal["Accepted", "Failed", "NotSupported", "VersionMismatch"]


class AuthorizationData(Message, frozen=True, kw_only=True):
    """An entry of the list; in a differential update, no info means delete the tag."""

    id_tag: IdToken
    id_tag_info: Maybe[IdTagInfo] = None


class GetLocalListVersionRequest(Message, frozen=True, kw_only=True):
    """Ask which version of the list the station holds."""


class GetLocalListVersionResponse(Message, frozen=True, kw_only=True):
    """0: the list is empty; -1: lists are not supported."""

    list_version: Integer


class SendLocalListRequest(Message, frozen=True, kw_only=True):
    """Replace or change the list; an empty list is the same as none."""

    list_version: Integer
    update_type: UpdateType
    local_authorization_list: Maybe[tuple[AuthorizationData, ...]] = None


class SendLocalListResponse(Message, frozen=True, kw_only=True):
    """Whether the station holds the list now."""

    status: UpdateStatus
