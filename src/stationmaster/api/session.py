"""Signing in and out, and what belongs to a person's own account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from stationmaster.api.access import Principal, principal_of
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.cookies import SESSION_COOKIE, caller_of, check_origin, drop_cookie, give_session
from stationmaster.api.documents import PROBLEMS, problems
from stationmaster.api.permissions import permissions_of
from stationmaster.api.problems import ApiError
from stationmaster.api.values import Body, Moment
from stationmaster.domain.users import LONGEST_PASSWORD
from stationmaster.instants import format_instant
from stationmaster.services.sessions import SignedIn

router = APIRouter(tags=["Session"], responses={**PROBLEMS, **problems(429)})

LONGEST_INPUT = 1_000


class SessionView(BaseModel):
    """Who is signed in, and what they may do."""

    name: str
    username: str
    role: str
    permissions: list[str]
    organisation_id: str
    site_ids: list[str] | None = Field(description="Null: the whole organisation.")
    csrf_token: str = Field(description="To be sent in the header X-CSRF-Token with everything that changes something.")
    totp_enabled: bool
    expires_at: Moment = Field(description="When the session ends if nothing more is asked for.")


class OidcOption(BaseModel):
    """An OpenID provider to sign in with."""

    name: str


class SessionOptions(BaseModel):
    """How one may sign in here."""

    oidc: OidcOption | None = Field(description="Null: with a password only.")


class SignInBody(Body):
    """Who wants to come in."""

    username: str = Field(max_length=LONGEST_INPUT)
    password: str = Field(max_length=LONGEST_INPUT)
    totp_code: str | None = Field(
        default=None, max_length=100, description="The code of the authenticator app, or a recovery code."
    )


class PasswordBody(Body):
    """A new password for oneself."""

    current_password: str = Field(max_length=LONGEST_INPUT)
    new_password: str = Field(max_length=LONGEST_PASSWORD)


class ProofBody(Body):
    """The password once more: a session that somebody found open is not enough."""

    password: str = Field(max_length=LONGEST_INPUT)


class CodeBody(Body):
    """What the app shows now."""

    code: str = Field(max_length=100)


class TotpView(BaseModel):
    """The secret for an authenticator app; it is never shown again."""

    secret: str
    uri: str = Field(description="For a QR code.")


class RecoveryCodesView(BaseModel):
    """Codes for whoever has lost their app; each is good once, and they are never shown again."""

    recovery_codes: list[str]


async def _signed_in(principal: Annotated[Principal, Depends(principal_of)]) -> SignedIn:
    if principal.signed_in is None:
        raise ApiError(401, "not_signed_in", "This is for people who have signed in, not for API keys.")
    return principal.signed_in


Person = Annotated[SignedIn, Depends(_signed_in)]


@router.get("/session/options")
async def read_session_options(context: Context) -> SessionOptions:
    """How one may sign in. Nobody needs to be signed in to ask."""
    oidc = context.services.people.oidc
    return SessionOptions(oidc=None if oidc is None else OidcOption(name=oidc.settings.name))


@router.get("/session")
async def read_session(person: Person) -> SessionView:
    """Who is signed in."""
    return view(person)


@router.post("/session")
async def sign_in(body: SignInBody, request: Request, response: Response, context: Context) -> SessionView:
    """Sign in with a password. `totp_required` says that the code of the authenticator app is missing."""
    check_origin(request)
    signed_in = await context.services.people.sign_in.with_password(
        body.username, body.password, body.totp_code, caller_of(request)
    )
    give_session(request, response, signed_in)
    return view(signed_in)


@router.delete("/session", status_code=204)
async def sign_out(person: Person, request: Request, response: Response, context: Context) -> None:
    """Sign out. The session is worth nothing from now on."""
    await context.services.people.sessions.end(person)
    drop_cookie(request, response, SESSION_COOKIE, "/")


@router.post("/session/password")
async def change_own_password(
    body: PasswordBody, person: Person, request: Request, response: Response, context: Context
) -> SessionView:
    """Change one's own password. All other sessions of the user end, and this one goes on with a new token."""
    renewed = await context.services.people.sign_in.change_password(
        person, body.current_password, body.new_password, caller_of(request)
    )
    give_session(request, response, renewed)
    return view(renewed)


@router.post("/session/totp")
async def enrol_totp(body: ProofBody, person: Person, request: Request, context: Context) -> TotpView:
    """A secret for an authenticator app. It counts once a code of it has been confirmed."""
    await _prove(context, person, body, request)
    secret, uri = await context.services.people.second_factor.enrol(person.user)
    return TotpView(secret=secret, uri=uri)


@router.post("/session/totp/confirm")
async def confirm_totp(body: CodeBody, person: Person, context: Context) -> RecoveryCodesView:
    """Ask for codes of this app from now on; all other sessions of the user end."""
    people = context.services.people
    codes = await people.second_factor.confirm(person.user, body.code)
    await people.sessions.end_others(person)
    return RecoveryCodesView(recovery_codes=codes)


@router.post("/session/totp/disable", status_code=204)
async def disable_totp(body: ProofBody, person: Person, request: Request, context: Context) -> None:
    """Ask for codes no more."""
    await _prove(context, person, body, request)
    await context.services.people.second_factor.take_away(person.user)


def view(signed_in: SignedIn) -> SessionView:
    """What is told of a session to whom it belongs."""
    user = signed_in.user
    return SessionView(
        name=user.name,
        username=user.username,
        role=user.role,
        permissions=sorted(permissions_of(user.role)),
        organisation_id=user.organisation_id,
        site_ids=None if user.site_ids is None else list(user.site_ids),
        csrf_token=signed_in.csrf_token,
        totp_enabled=user.totp_enabled,
        expires_at=format_instant(signed_in.ends_at),
    )


async def _prove(context: ApiContext, person: SignedIn, body: ProofBody, request: Request) -> None:
    caller = caller_of(request)
    await context.services.people.sign_in.prove_password(person, body.password, caller, "password")
