"""Everything about people, joined: who may sign in, how, and to which organisation they belong."""

from stationmaster.services.api_keys import ApiKeys
from stationmaster.services.audit import Audit
from stationmaster.services.context import ServiceContext
from stationmaster.services.oidc import Oidc
from stationmaster.services.organisations import Organisations
from stationmaster.services.password_hashing import PasswordHashing
from stationmaster.services.second_factor import SecondFactor
from stationmaster.services.sessions import Sessions
from stationmaster.services.sign_in import SignIn
from stationmaster.services.users import Users

__all__ = ["People"]


class People:
    """The services about people. `oidc` is None where no provider is configured."""

    def __init__(self, context: ServiceContext, api_keys: ApiKeys, audit: Audit) -> None:
        self._hashing = PasswordHashing(context.secrets, context.settings.password_memory_kib)
        self.sessions = Sessions(context)
        self.second_factor = SecondFactor(context)
        self.sign_in = SignIn(context, self._hashing, self.sessions, self.second_factor, audit)
        self.users = Users(context, self._hashing, self.sessions, self.second_factor)
        self.organisations = Organisations(context, api_keys, self.users)
        oidc = context.settings.oidc
        self.oidc = None if oidc is None else Oidc(context, self.sessions, audit, oidc)

    def close(self) -> None:
        """Let go of the threads that hash."""
        self._hashing.close()
