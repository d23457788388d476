"""GetConfiguration and ChangeConfiguration (handbook §3.3.3, §3.3.7, §4.5, §4.6).

The rule that shapes this file: what the station has told of its keys is kept as it was last read, and two
keys are more than keys. AuthorizationKey is a secret that both sides must change together, SecurityProfile
may only rise; neither is left half-changed when no answer comes.
"""

from functools import partial

from stationmaster.actions.contract import StationConnection
from stationmaster.actions.v16.command import OCPP16, Asking, Command, Settled, was_never_sent
from stationmaster.actions.v16.configuration_keys import doubt_about, items_of
from stationmaster.actions.v16.context import ActionContext
from stationmaster.domain.facts import ConfigurationReported, ConfigurationValueChanged, VariableValue
from stationmaster.domain.passwords import is_wire_form, readings_of
from stationmaster.ocpp.v16.provisioning import (
    ChangeConfigurationRequest,
    ChangeConfigurationResponse,
    GetConfigurationRequest,
    GetConfigurationResponse,
)
from stationmaster.session.events import CallFailed

__all__ = ["CHANGE_CONFIGURATION", "GET_CONFIGURATION", "is_secret"]

AUTHORIZATION_KEY = "authorizationkey"
SECURITY_PROFILE = "securityprofile"


def _is(message: ChangeConfigurationRequest, key: str) -> bool:
    return message.key.strip().lower() == key


def _number_in(value: str) -> int | None:
    """The whole number that a station may read in a value: ` 1`, `+1` and `01` are 1 to most."""
    try:
        return int(value)
    except ValueError:
        return None


def is_secret(context: ActionContext, connection: StationConnection, key: str) -> bool:
    """Whether the value of a key is never kept in clear."""
    name = key.strip().lower()
    return name == AUTHORIZATION_KEY or name in context.secret_keys(connection)


# GetConfiguration


async def _keys_read(asking: Asking, message: GetConfigurationRequest, response: GetConfigurationResponse) -> Settled:
    secret = partial(is_secret, asking.context, asking.connection)
    values = tuple(
        VariableValue(OCPP16, each.key, None if secret(each.key) else each.value, each.readonly)
        for each in response.configuration_key or ()
    )
    fact = ConfigurationReported(
        organisation_id=asking.organisation_id,
        station_id=asking.station_id,
        received_at=asking.now(),
        values=values,
        unknown=tuple(response.unknown_key or ()),
        complete=not message.key,
    )
    return Settled(facts=(fact,))


async def _warn_of_too_many_keys(asking: Asking, message: GetConfigurationRequest) -> str | None:
    most = await asking.number_of("GetConfigurationMaxKeys") if message.key else None
    if most is None or len(message.key or ()) <= most:
        return None
    return f"The station takes {most} keys at a time."


GET_CONFIGURATION = Command(warnings=(_warn_of_too_many_keys,), settle=_keys_read)


# ChangeConfiguration


def _block_profile_that_does_not_rise(asking: Asking, message: ChangeConfigurationRequest) -> str | None:
    """[W A00.FR.005]; `force` lifts it for tests (§3.1)."""
    if asking.force or not _is(message, SECURITY_PROFILE):
        return None
    current = asking.connection.security_profile
    wanted = _number_in(message.value)
    if wanted is None or wanted > current:
        return None
    return f"the security profile is {current} and may only rise (whitepaper A00.FR.005)"


async def _warn_of_value(_asking: Asking, message: ChangeConfigurationRequest) -> str | None:
    return doubt_about(message.key, message.value)


async def _warn_of_key(asking: Asking, message: ChangeConfigurationRequest) -> str | None:
    known = (await asking.configuration()).get(message.key.strip().lower())
    if known is None:
        return None
    if not known.supported:
        return f"The station said that it does not know {known.key}."
    return f"The station said that {known.key} can only be read." if known.readonly else None


async def _warn_of_long_list(asking: Asking, message: ChangeConfigurationRequest) -> str | None:
    most = await asking.number_of(f"{message.key.strip()}MaxLength")
    items = len(items_of(message.value))
    return None if most is None or items <= most else f"{message.key} holds {most} items; these are {items}."


async def _warn_of_password(_asking: Asking, message: ChangeConfigurationRequest) -> str | None:
    if not _is(message, AUTHORIZATION_KEY):
        return None
    return None if is_wire_form(message.value) else "A password travels as 32 to 40 hexadecimal digits."


async def _warn_of_ping_interval(asking: Asking, message: ChangeConfigurationRequest) -> str | None:
    """A half-open connection can use up all attempts of a transaction message [JE 3.9]."""
    if not _is(message, "websocketpinginterval") or not message.value.strip().isdecimal():
        return None
    attempts = await asking.number_of("TransactionMessageAttempts")
    interval_s = await asking.number_of("TransactionMessageRetryInterval")
    if attempts is None or interval_s is None or int(message.value) < attempts * interval_s:
        return None
    return (
        f"Pings every {message.value} s are rarer than all attempts to send a transaction message take "
        f"({attempts * interval_s} s); a half-open connection can lose one."
    )


async def _remember_secret(asking: Asking, message: ChangeConfigurationRequest) -> None:
    """From before it is sent until the answer both the old and the new count."""
    security = asking.context.services.security
    if _is(message, AUTHORIZATION_KEY) and message.value:
        await security.password_on_its_way(asking.station_id, _raw(message.value))
    elif _is(message, SECURITY_PROFILE) and (wanted := _number_in(message.value)) in {1, 2, 3}:
        await security.profile_on_its_way(asking.station_id, wanted)


async def _key_changed(
    asking: Asking, message: ChangeConfigurationRequest, response: ChangeConfigurationResponse
) -> Settled:
    taken = response.status in {"Accepted", "RebootRequired"}
    await _settle_secret(asking, message, response.status)
    if not taken:
        return Settled()
    known = (await asking.configuration()).get(message.key.strip().lower())
    fact = ConfigurationValueChanged(
        organisation_id=asking.organisation_id,
        station_id=asking.station_id,
        received_at=asking.now(),
        component=OCPP16,
        variable=message.key if known is None else known.key,
        value=None if is_secret(asking.context, asking.connection, message.key) else message.value,
        status="accepted" if response.status == "Accepted" else "reboot_required",
    )
    return Settled(facts=(fact,))


async def _settle_secret(asking: Asking, message: ChangeConfigurationRequest, status: str) -> None:
    """An outcome that is not foreseen (RebootRequired) leaves both, until the station comes in with one (§4.5)."""
    security = asking.context.services.security
    if _is(message, AUTHORIZATION_KEY) and message.value:
        if status == "Accepted":
            await security.password_taken(asking.station_id, _raw(message.value))
        elif status in {"Rejected", "NotSupported"}:
            await security.password_refused(asking.station_id)
    elif _is(message, SECURITY_PROFILE) and status in {"Rejected", "NotSupported"}:
        await security.profile_refused(asking.station_id)


async def _no_answer(asking: Asking, message: ChangeConfigurationRequest, failed: CallFailed) -> None:
    """Never sent: nothing has changed. A CALLERROR refuses a profile; a password it leaves open (§4.5, §4.6)."""
    security = asking.context.services.security
    if _is(message, AUTHORIZATION_KEY) and was_never_sent(failed):
        await security.password_refused(asking.station_id)
    elif _is(message, SECURITY_PROFILE) and (was_never_sent(failed) or failed.state == "error"):
        await security.profile_refused(asking.station_id)


def _raw(value: str) -> bytes:
    """The bytes that a station makes of the value."""
    return readings_of(value.encode())[-1]


CHANGE_CONFIGURATION = Command(
    blocks=(_block_profile_that_does_not_rise,),
    warnings=(_warn_of_value, _warn_of_key, _warn_of_long_list, _warn_of_password, _warn_of_ping_interval),
    before=_remember_secret,
    settle=_key_changed,
    unsettled=_no_answer,
)
