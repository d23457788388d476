"""Authorize, and ClearCache (handbook §3.2.1, §3.3.4)."""

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.command import Command
from stationmaster.actions.v16.context import LONGEST_ID_TAG, Situation
from stationmaster.domain.tokens import Authorization, AuthorizationStatus
from stationmaster.ocpp.v16.authorization import AuthorizeRequest, AuthorizeResponse

__all__ = ["CLEAR_CACHE", "NOT_KNOWN", "authorize"]

CLEAR_CACHE = Command()
NOT_KNOWN = Authorization(AuthorizationStatus.INVALID)
"""What is said of a token that nobody knows, or that is not to be guessed."""


async def authorize(situation: Situation) -> Answer:
    """May this token charge? Never ConcurrentTx here; a tag that 1.6 cannot write is Invalid."""
    context, station, call = situation.context, situation.station, situation.call
    request: AuthorizeRequest = call.request
    id_tag, usable = request.id_tag, len(request.id_tag) <= LONGEST_ID_TAG
    services, now = context.services, call.received_at
    if usable and services.guesses.refuses(station, id_tag, now):
        return Answer(AuthorizeResponse(id_tag_info=context.id_tag_info_of(NOT_KNOWN)))
    decision = await services.authorizer.authorize(station, id_tag, now, "authorize", usable=usable)
    if usable:
        await services.guesses.presented(station, id_tag, decision.token is not None, now)
    return Answer(AuthorizeResponse(id_tag_info=context.id_tag_info_of(decision)))
