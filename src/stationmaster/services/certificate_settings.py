"""What may be chosen about certificates. The handbook's figures are the defaults (§4.3, §4.4, §4.7)."""

import msgspec

__all__ = ["CertificateSettings"]


class CertificateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Names, lifetimes and policies."""

    operator_name: str = "Stationmaster"
    """O of every certificate, and what CpoName of a station must be."""
    trusted_organisations: tuple[str, ...] = ()
    """Further values of O that a client certificate may have, such as a manufacturer's."""
    server_names: tuple[str, ...] = ("localhost",)
    """What our own certificate stands for; the first is its CN."""
    server_lifetime_s: int = 30 * 86_400
    station_lifetime_s: int = 365 * 86_400
    root_lifetime_s: int = 20 * 365 * 86_400
    pss: bool = False
    """RSA signatures with PSS padding; test tools expect PKCS #1 (§8 A-14)."""
    strict_requests: bool = False
    """Refuse signing requests whose names do not fit, instead of issuing with ours."""
    deliver_after_s: float = 0.5
    """How long after the answer to SignCertificate the certificate is sent."""
    grace_s: int = 30 * 86_400
    """How long an older certificate is accepted after the first use of a newer one."""
    alert_s: int = 30 * 86_400
    """How long before its end a certificate is warned about."""
    hard_fail: bool = False
    """Refuse a certificate whose revocation list cannot be had, instead of letting it in."""
    signer_url: str | None = None
    """An authority outside that signs stations' requests; None: our own."""
    signer_token: str | None = None
