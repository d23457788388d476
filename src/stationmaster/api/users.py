"""Users: made, changed, given new passwords, forgotten."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from stationmaster.api.access import Asking, Principal, may
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.permissions import ROLE_PERMISSIONS, Role
from stationmaster.api.values import Body, Filters, Listed, Moment, Text, View
from stationmaster.domain.users import LONGEST_PASSWORD, User
from stationmaster.services.users import NewUser

router = APIRouter(tags=["Users"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("users:read"))]
Writer = Annotated[Principal, Depends(may("users:write"))]
UserId = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$")]


class UserView(View):
    """A person who may sign in."""

    id: str
    username: str
    name: str
    role: str
    site_ids: list[str] | None = Field(description="Null: the whole organisation.")
    signs_in_with: str = Field(description="`password`, or `oidc` for whom an OpenID provider vouches.")
    totp_enabled: bool
    disabled: bool
    last_login_at: Moment | None
    password_changed_at: Moment | None
    created_at: Moment
    updated_at: Moment


class NewUserView(UserView):
    """A user just made."""

    password: str | None = Field(description="The password that was made, if none was given; it is never shown again.")


class UserChanges(Body):
    """What can be changed of a user. What is left out stays as it is."""

    name: Text | None = Field(default=None, min_length=1, max_length=200)
    role: Role | None = None
    site_ids: list[Text] | None = Field(default=None, min_length=1, max_length=1000)
    disabled: bool | None = None
    password: str | None = Field(default=None, max_length=LONGEST_PASSWORD)


class NewUserBody(Body):
    """A user to be made."""

    username: Text = Field(min_length=1, max_length=100, description="Unique in the whole system.")
    role: Role
    name: Text | None = Field(default=None, min_length=1, max_length=200)
    site_ids: list[Text] | None = Field(default=None, min_length=1, max_length=1000)
    password: str | None = Field(default=None, max_length=LONGEST_PASSWORD, description="Left out, one is made.")


class RoleView(BaseModel):
    """A role, from the least to the most."""

    role: str
    permissions: list[str] = Field(description="A block and a verb each, such as `stations:write`.")


class UserFilters(Filters):
    """What users can be narrowed by."""

    role: Role | None = None
    search: Text | None = Field(default=None, description="Part of the name or the user name.")


@router.get("/roles")
async def list_roles(_principal: Asking) -> Listed[RoleView]:
    """What each role may do, from the least to the most."""
    roles = [RoleView(role=role, permissions=sorted(may_do)) for role, may_do in ROLE_PERMISSIONS.items()]
    return Listed(items=roles, next_cursor=None)


@router.get("/users", response_model=Listed[UserView], responses=LISTED)
async def list_users(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[UserFilters, Query()]
) -> Any:
    """All users of the organisation, in the order of their names."""
    principal.require_whole_organisation()
    find = partial(context.storage.users.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, view, "users")


@router.post("/users", status_code=201)
async def create_user(body: NewUserBody, principal: Writer, context: Context, response: Response) -> NewUserView:
    """Make a user who may do no more than whoever makes them."""
    principal.require_whole_organisation()
    principal.require_as_much_as(body.role)
    users = context.services.people.users
    password = body.password if body.password is not None else users.new_password()
    new = NewUser(
        username=body.username,
        role=body.role,
        password=password,
        name=body.name,
        site_ids=None if body.site_ids is None else tuple(body.site_ids),
    )
    user = await users.create(principal.organisation_id, new)
    response.headers["Location"] = f"/api/v1/users/{user.id}"
    return NewUserView(**view(user).model_dump(), password=None if body.password is not None else password)


@router.get("/users/{user_id}")
async def read_user(user_id: UserId, principal: Reader, context: Context) -> UserView:
    """One user."""
    principal.require_whole_organisation()
    return view(await context.services.people.users.get(principal.organisation_id, user_id))


@router.patch("/users/{user_id}")
async def change_user(user_id: UserId, body: UserChanges, principal: Writer, context: Context) -> UserView:
    """Change a user. A new password or role, or being disabled, ends all their sessions."""
    user = await _manageable(context, principal, user_id)
    users, changes = context.services.people.users, body.model_dump(exclude_unset=True, exclude={"password"})
    # Null takes a value away where there may be none.
    changes = {name: value for name, value in changes.items() if value is not None or name == "site_ids"}
    if body.role is not None:
        principal.require_as_much_as(body.role)
    if changes:
        user = await users.update(principal.organisation_id, user_id, changes)
    if body.password is not None:
        user = await users.set_password(principal.organisation_id, user_id, body.password)
    return view(user)


@router.delete("/users/{user_id}/totp", status_code=204)
async def take_away_totp(user_id: UserId, principal: Writer, context: Context) -> None:
    """Let in a user who has lost their authenticator app and the recovery codes; they are signed out."""
    await _manageable(context, principal, user_id)
    await context.services.people.users.take_away_totp(principal.organisation_id, user_id)


@router.delete("/users/{user_id}", status_code=204)
async def delete_user(user_id: UserId, principal: Writer, context: Context) -> None:
    """Forget a user. What they did stays in the audit log."""
    await _manageable(context, principal, user_id)
    await context.services.people.users.delete(principal.organisation_id, user_id)


def view(user: User) -> UserView:
    """What is told of a user: everything but their secrets."""
    return UserView.model_validate(_Told(user))


async def _manageable(context: ApiContext, principal: Principal, user_id: str) -> User:
    """A user whom the principal may change: nobody changes who may do more than themselves."""
    principal.require_whole_organisation()
    user = await context.services.people.users.get(principal.organisation_id, user_id)
    principal.require_as_much_as(user.role)
    return user


class _Told:
    """A user with what is said of their secrets instead of the secrets."""

    def __init__(self, user: User) -> None:
        self._user = user
        self.signs_in_with = "password" if user.issuer is None else "oidc"
        self.disabled = user.disabled_at is not None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._user, name)
