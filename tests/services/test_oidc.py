"""Signing in through an OpenID provider, a real one on this machine; and everything it must not be fooled by."""

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc.jwk import RSAKey

from stationmaster.domain.errors import Unauthenticated, Unavailable
from stationmaster.services.context import ServiceSettings
from stationmaster.services.oidc import Oidc, local_path
from stationmaster.services.oidc_settings import OidcSettings, is_safe_url
from stationmaster.services.sessions import Caller, SignedIn
from tests.openid import CLIENT_ID, CLIENT_SECRET, Forge, OpenIdProvider, consent
from tests.services.node import ORGANISATION, SECOND, Node, open_node
from tests.services.test_sign_in import made

HERE = Caller("192.0.2.1", "a browser")
BACK = "http://csms.example/api/v1/session/oidc/callback"


@pytest.fixture(scope="module")
def provider_process() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    yield provider
    provider.stop()


@pytest.fixture
def provider(provider_process: OpenIdProvider) -> OpenIdProvider:
    provider_process.reset()
    return provider_process


@pytest.fixture
async def node(sqlite_url: str, provider: OpenIdProvider) -> AsyncIterator[Node]:
    settings = OidcSettings(
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        roles=(("ops", "operator"), ("chiefs", "admin"), ("guests", "viewer")),
    )
    async with open_node(sqlite_url, settings=ServiceSettings(oidc=settings)) as node:
        node.clock.now = round(time.time()) * SECOND
        yield node


def oidc_of(node: Node, **changes: Any) -> Oidc:
    found = node.services.people.oidc
    assert found is not None
    if changes:
        found.settings = msgspec.structs.replace(found.settings, **changes)
    return found


async def sign_in(node: Node) -> SignedIn:
    beginning = await oidc_of(node).begin(BACK, "/stations")
    signed_in, return_to = await oidc_of(node).finish(beginning.cookie, await consent(beginning.url), HERE)
    assert return_to == "/stations"
    return signed_in


async def test_a_person_comes_in_with_the_role_that_the_provider_gives(node: Node, provider: OpenIdProvider) -> None:
    signed_in = await sign_in(node)
    user = signed_in.user
    assert (user.username, user.name, user.role, user.organisation_id) == (
        "olga",
        "Olga Operator",
        "operator",
        "default",
    )
    assert signed_in.session.method == "oidc"
    assert user.password_hash is None
    with pytest.raises(Unauthenticated):
        await node.services.people.sign_in.with_password("olga", "", None, HERE)
    provider.person |= {"name": "Olga Chief", "roles": ["ops", "chiefs", "unheard of"], "preferred_username": "renamed"}
    again = (await sign_in(node)).user
    assert (again.id, again.username, again.name, again.role) == (user.id, "olga", "Olga Chief", "admin")
    entries = (await node.storage.audit.find(ORGANISATION, actor="user:olga")).items
    assert [json.loads(entry.details).get("method") for entry in entries] == ["oidc", None, "oidc"]


async def test_a_role_may_lie_deeper_in_the_token(node: Node, provider: OpenIdProvider) -> None:
    oidc_of(node, role_claim="realm_access.roles")
    provider.person |= {"roles": None, "realm_access": {"roles": ["guests"]}}
    assert (await sign_in(node)).user.role == "viewer"
    oidc_of(node, role_claim="https://example.org/role")
    provider.person |= {"https://example.org/role": "chiefs"}
    assert (await sign_in(node)).user.role == "admin"


@pytest.mark.parametrize("roles", [None, [], ["strangers"], "strangers", {"ops": True}, 7, [["ops"]]])
async def test_without_a_role_nobody_comes_in(node: Node, provider: OpenIdProvider, roles: Any) -> None:
    provider.person["roles"] = roles
    with pytest.raises(Unauthenticated) as refused:
        await sign_in(node)
    assert refused.value.code == "oidc_no_role"
    assert (await node.storage.users.find()).items == []


async def test_the_name_of_a_local_user_opens_nothing(node: Node, provider: OpenIdProvider) -> None:
    local = await made(node, "olga")
    user = (await sign_in(node)).user
    assert user.id != local.id
    assert user.username == "olga@127.0.0.1"
    provider.person |= {"sub": "subject-2"}
    third = (await sign_in(node)).user
    assert third.id not in (local.id, user.id)
    provider.person |= {"sub": "subject-3", "preferred_username": "\u202e<img src=x>\x00 " * 50}
    assert len((await sign_in(node)).user.username) <= 100


async def test_who_was_disabled_here_stays_out(node: Node) -> None:
    user = (await sign_in(node)).user
    await node.services.people.users.update(ORGANISATION, user.id, {"disabled": True})
    with pytest.raises(Unauthenticated):
        await sign_in(node)


async def test_who_signs_in_elsewhere_has_neither_password_nor_codes_here(node: Node) -> None:
    signed_in = await sign_in(node)
    people = node.services.people
    with pytest.raises(Exception, match="OpenID"):
        await people.second_factor.enrol(signed_in.user)
    with pytest.raises(Exception, match="OpenID"):
        await people.sign_in.change_password(signed_in, "", "a good long password", HERE)
    with pytest.raises(Exception, match="OpenID"):
        await people.users.set_password(ORGANISATION, signed_in.user.id, "a good long password")


# The table of forged tokens (S-16)


def part(value: Any) -> str:
    return (
        base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode().rstrip("=")
    )


def crafted(header: dict[str, Any], claims: Any, key: rsa.RSAPrivateKey) -> str:
    """A token made by hand, as no library would: RS256 over whatever the header says."""
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def unsigned(_provider: OpenIdProvider, _header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{part({'alg': 'none'})}.{part(claims)}."


def signed_with_the_public_key(provider: OpenIdProvider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Algorithm confusion: HMAC, with what everybody may read as the secret."""
    signed = f"{part(header | {'alg': 'HS256'})}.{part(claims)}"
    return f"{signed}.{part(hmac.digest(provider.public_pem, signed.encode(), 'sha256'))}"


ATTACKER = rsa.generate_private_key(65537, 2048)
ATTACKERS_JWK = RSAKey.import_key(
    ATTACKER.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
).as_dict()


def by_the_attacker(**more: Any) -> Forge:
    return lambda _provider, header, claims: crafted(header | more, claims, ATTACKER)


def with_header(**more: Any) -> Forge:
    """Properly signed, but for what the header claims."""
    return lambda provider, header, claims: crafted(header | more, claims, provider.private_key)


def with_claims(**more: Any) -> Forge:
    def forge(provider: OpenIdProvider, header: dict[str, Any], claims: dict[str, Any]) -> str:
        changed = {name: value for name, value in (claims | more).items() if value is not ...}
        return provider.signed(header, changed)

    return forge


def changed_after_signing(provider: OpenIdProvider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    head, _, signature = provider.signed(header, claims).split(".")
    return f"{head}.{part(claims | {'roles': ['chiefs']})}.{signature}"


NOW = int(time.time())
FORGED = {
    "alg none": unsigned,
    "alg None, other spelling": with_header(alg="None"),
    "alg HS256 with the public key": signed_with_the_public_key,
    "an allowed key, an algorithm that is not": with_header(alg="RS384"),
    "signed by somebody else under our kid": by_the_attacker(),
    "its own key in the header (CVE-2026-27962)": by_the_attacker(jwk=ATTACKERS_JWK),
    "its own key, and the right signature": with_header(jwk=ATTACKERS_JWK),
    "an address of keys in the header": by_the_attacker(jku="http://127.0.0.1:1/keys"),
    "a certificate address in the header": by_the_attacker(x5u="http://127.0.0.1:1/cert"),
    "a certificate in the header": by_the_attacker(x5c=["MIIB"]),
    "crit (CVE-2025-59420)": with_header(crit=["bork"], bork=True),
    "crit of something known": with_header(crit=["alg"]),
    "an unencoded payload": with_header(b64=False, crit=["b64"]),
    "kid that walks through folders": with_header(kid="../../../../dev/null"),
    "kid that is SQL": with_header(kid="' OR '1'='1"),
    "kid that is a list": with_header(kid=["first"]),
    "kid of the other algorithm's key": with_header(kid="second"),
    "changed after it was signed": changed_after_signing,
    "another audience": with_claims(aud="somebody-else"),
    "no audience": with_claims(aud=...),
    "many audiences, made for another": with_claims(aud=[CLIENT_ID, "somebody-else"], azp="somebody-else"),
    "many audiences, made for nobody": with_claims(aud=[CLIENT_ID, "somebody-else"]),
    "our audience, made for another": with_claims(azp="somebody-else"),
    "another issuer": with_claims(iss="https://somebody.example"),
    "an issuer that only begins like ours": lambda p, h, c: p.signed(h, c | {"iss": p.issuer + ".example"}),
    "no issuer": with_claims(iss=...),
    "another nonce": with_claims(nonce="of another login"),
    "no nonce": with_claims(nonce=...),
    "expired": with_claims(exp=NOW - 3600),
    "never expires": with_claims(exp=...),
    "expires in words": with_claims(exp="tomorrow"),
    "not yet good": with_claims(nbf=NOW + 3600),
    "from the future": with_claims(iat=NOW + 3600),
    "for another access token": with_claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "nobody": with_claims(sub=...),
    "nobody in words": with_claims(sub=""),
    "a number": with_claims(sub=7),
    "claims that are a list": lambda p, h, _: crafted(h, [], p.private_key),
    "no token at all": lambda *_: "",
    "two parts": lambda *_: "a.b",
    "not base64": lambda *_: "\u00e4.\u00e4.\u00e4",
    "an encrypted token": lambda *_: "a.b.c.d.e",
    "a huge token": lambda *_: "a" * 200_000,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_token_lets_nobody_in(node: Node, provider: OpenIdProvider, forge: Any) -> None:
    provider.forge = forge
    with pytest.raises(Unauthenticated) as refused:
        await sign_in(node)
    assert refused.value.code == "oidc_refused"
    assert (await node.storage.users.find()).items == []
    (entry,) = (await node.storage.audit.find(ORGANISATION)).items
    assert (entry.actor, entry.result) == ("nobody", "refused")
    provider.forge = lambda provider, header, claims: provider.signed(header, claims)
    await sign_in(node)  # the very same login, honestly


GOOD = {
    "the other key": lambda p, h, c: p.signed({"alg": "ES256", "kid": "second"}, {**c, "at_hash": c["at_hash"]}),
    "a list of one audience": with_claims(aud=[CLIENT_ID]),
    "many audiences, made for us": with_claims(aud=["somebody-else", CLIENT_ID], azp=CLIENT_ID),
    "no hash of the access token": with_claims(at_hash=...),
    "no kid, and one key that fits": lambda p, h, c: p.signed({"alg": "RS256"}, c),
    "a clock a little ahead": with_claims(iat=NOW + 30, nbf=NOW + 30),
}


@pytest.mark.parametrize("forge", GOOD.values(), ids=GOOD.keys())
async def test_a_good_token_does(node: Node, provider: OpenIdProvider, forge: Any) -> None:
    provider.forge = forge
    await sign_in(node)


# The browser's part


async def test_a_state_is_good_once(node: Node) -> None:
    """Even where the provider takes a code twice."""
    beginning = await oidc_of(node).begin(BACK, "/")
    answer = await consent(beginning.url)
    await oidc_of(node).finish(beginning.cookie, answer, HERE)
    again = await consent(beginning.url)
    assert again["state"] == answer["state"]
    for replayed in (answer, again):
        with pytest.raises(Unauthenticated):
            await oidc_of(node).finish(beginning.cookie, replayed, HERE)


async def test_a_login_ends_in_the_browser_in_which_it_began(node: Node) -> None:
    """Else somebody could be signed in as the attacker without noticing."""
    mine, theirs = await oidc_of(node).begin(BACK, "/"), await oidc_of(node).begin(BACK, "/")
    answer = await consent(theirs.url)
    for cookie in (mine.cookie, None, "", "made up", theirs.cookie[:-4] + "AAAA", "A" * 10_000):
        with pytest.raises(Unauthenticated):
            await oidc_of(node).finish(cookie, answer, HERE)
    for changes in (
        {"state": "other"},
        {"state": ""},
        {"code": ""},
        {"iss": "https://somebody.example"},
        {"error": "x"},
    ):
        with pytest.raises(Unauthenticated):
            await oidc_of(node).finish(theirs.cookie, answer | changes, HERE)
    await oidc_of(node).finish(theirs.cookie, answer, HERE)


async def test_a_login_does_not_wait_for_ever(node: Node) -> None:
    beginning = await oidc_of(node).begin(BACK, "/")
    answer = await consent(beginning.url)
    node.clock.pass_s(600)
    with pytest.raises(Unauthenticated):
        await oidc_of(node).finish(beginning.cookie, answer, HERE)


async def test_a_code_of_another_login_is_refused_by_its_verifier(node: Node) -> None:
    mine, theirs = await oidc_of(node).begin(BACK, "/"), await oidc_of(node).begin(BACK, "/")
    stolen = (await consent(theirs.url))["code"]
    answer = await consent(mine.url)
    with pytest.raises(Unauthenticated):
        await oidc_of(node).finish(mine.cookie, answer | {"code": stolen}, HERE)


async def test_the_cookie_tells_nothing(node: Node) -> None:
    beginning = await oidc_of(node).begin(BACK, "/secret-path")
    opened = base64.urlsafe_b64decode(beginning.cookie)
    assert b"secret-path" not in opened
    assert "state=" in beginning.url
    assert "code_challenge=" in beginning.url
    assert "code_verifier" not in beginning.url


@pytest.mark.parametrize(
    ("path", "goes_to"),
    [
        ("/stations/CP7?tab=commands", "/stations/CP7?tab=commands"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("javascript:alert(1)", "/"),
        ("/" + "x" * 2000, "/"),
    ],
)
def test_nobody_is_sent_to_another_site(path: str, goes_to: str) -> None:
    assert local_path(path) == goes_to


# The provider's part


async def test_a_new_key_of_the_provider_is_fetched_once_it_is_used(node: Node, provider: OpenIdProvider) -> None:
    await sign_in(node)
    fresh = RSAKey.generate_key(2048, {"kid": "fresh", "use": "sig"})
    provider.published = [fresh]
    provider.forge = lambda p, h, c: p.signed({"alg": "RS256", "kid": "fresh"}, c, fresh)
    with pytest.raises(Unauthenticated):
        await sign_in(node)  # asked a moment ago: nobody makes us ask all the time
    oidc_of(node)._provider._monotonic = lambda: time.monotonic() + 31
    await sign_in(node)
    assert provider.asked.count("keys") == 2
    assert provider.asked.count("document") == 1


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://somebody.example"},
        {"token_endpoint": "http://192.0.2.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
async def test_a_document_that_cannot_be_right_is_not_used(
    node: Node, provider: OpenIdProvider, document: dict[str, Any]
) -> None:
    provider.document = document
    with pytest.raises(Unavailable) as refused:
        await oidc_of(node).begin(BACK, "/")
    assert refused.value.code == "oidc_unavailable"


async def test_a_provider_that_is_away_is_said_to_be_away(node: Node) -> None:
    found = oidc_of(node)
    found._provider._issuer = "http://127.0.0.1:9"
    with pytest.raises(Unavailable):
        await found.begin(BACK, "/")


def test_only_this_machine_is_asked_without_tls() -> None:
    assert is_safe_url("https://login.example/x")
    assert is_safe_url("http://127.0.0.1:8000/x")
    for url in ("http://login.example/", "ftp://login.example", "//login.example", "", "http://127.0.0.1.example/"):
        assert not is_safe_url(url)


@pytest.mark.parametrize(
    "wrong", [{"algorithms": ("none",)}, {"algorithms": ("HS256",)}, {"algorithms": ()}, {"roles": (("a", "emperor"),)}]
)
def test_settings_that_would_let_anybody_in_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="one of"):
        OidcSettings(issuer="https://login.example", client_id="x", **wrong)
