"""What we may ask of a station about secrets and certificates (handbook §4.5-§4.8)."""

import msgspec

__all__ = [
    "DeleteRootOrder",
    "HardResetOrder",
    "InstallRootOrder",
    "ListRootsOrder",
    "OperatorNameOrder",
    "PasswordOrder",
    "ProfileOrder",
    "SecurityOrder",
    "SigningOrder",
]


class PasswordOrder(msgspec.Struct, frozen=True):
    """Use this password from now on."""

    password: bytes


class ProfileOrder(msgspec.Struct, frozen=True):
    """Use this security profile from now on."""

    security_profile: int


class OperatorNameOrder(msgspec.Struct, frozen=True):
    """The operator's name, which the station puts into its signing requests."""

    name: str


class HardResetOrder(msgspec.Struct, frozen=True):
    """Start anew."""


class SigningOrder(msgspec.Struct, frozen=True):
    """Make a key pair and send a signing request."""


class InstallRootOrder(msgspec.Struct, frozen=True):
    """Trust this root. `use` is a `RootUse`."""

    use: str
    certificate: str


class ListRootsOrder(msgspec.Struct, frozen=True):
    """Tell which roots of one use are installed."""

    use: str


class DeleteRootOrder(msgspec.Struct, frozen=True):
    """Trust this root no more; named by the hash data that the station itself reported."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


SecurityOrder = (
    PasswordOrder
    | ProfileOrder
    | OperatorNameOrder
    | HardResetOrder
    | SigningOrder
    | InstallRootOrder
    | ListRootsOrder
    | DeleteRootOrder
)
