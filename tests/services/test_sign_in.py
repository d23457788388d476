"""Signing in: the right password opens, everything else is told the same, and who keeps failing waits."""

import asyncio
from typing import Any

import pytest

from stationmaster.domain.errors import DomainError, Invalid, Throttled, Unauthenticated
from stationmaster.domain.totp import STEP_US, code_at
from stationmaster.domain.users import User
from stationmaster.services.sessions import Caller, SignedIn
from stationmaster.services.sign_in import network_of
from stationmaster.services.users import NewUser
from tests.services.node import ORGANISATION, Node

PASSWORD = "a good long password"
HERE = Caller("192.0.2.1", "a browser")
ELSEWHERE = Caller("198.51.100.7")


async def made(node: Node, username: str = "anna", role: str = "admin") -> User:
    return await node.services.people.users.create(
        ORGANISATION, NewUser(username=username, role=role, password=PASSWORD)
    )


async def sign_in(
    node: Node, username: str = "anna", password: str = PASSWORD, code: str | None = None, caller: Caller = HERE
) -> SignedIn:
    return await node.services.people.sign_in.with_password(username, password, code, caller)


async def refused(node: Node, *arguments: Any, **more: Any) -> DomainError:
    with pytest.raises(DomainError) as found:
        await sign_in(node, *arguments, **more)
    return found.value


async def told(node: Node) -> list[tuple[str, str, str]]:
    """The sign-ins in the audit log: who, result, details."""
    entries = (await node.storage.audit.find(ORGANISATION, action="sign_in", limit=1000)).items
    return [(entry.actor, entry.result, entry.details) for entry in reversed(entries)]


async def test_the_right_password_opens_whatever_the_spelling_of_the_name(node: Node) -> None:
    user = await made(node)
    signed_in = await sign_in(node, " ANNA ")
    assert signed_in.user.id == user.id
    assert signed_in.user.last_login_at == node.clock()
    found = await node.services.people.sessions.find(signed_in.secret)
    assert found is not None
    assert found.csrf_token == signed_in.csrf_token
    assert await told(node) == [("user:anna", "ok", '{"method":"password"}')]


async def test_whatever_is_wrong_the_answer_is_the_same(node: Node) -> None:
    await made(node)
    disabled = await made(node, "ben")
    await node.services.people.users.update(ORGANISATION, disabled.id, {"disabled": True})
    answers = [
        await refused(node, "anna", "not her password"),
        await refused(node, "anna", ""),
        await refused(node, "nobody", PASSWORD),
        await refused(node, "ben", PASSWORD),
        await refused(node, "", ""),
        await refused(node, "x" * 10_000, "y" * 10_000),
        await refused(node, "a\x00\ud800", "b\x00\ud800"),
    ]
    assert {(type(each), each.code, each.message) for each in answers} == {
        (Unauthenticated, "sign_in_refused", "The user name, the password or the code is wrong.")
    }


async def test_a_brute_force_neither_gets_in_nor_keeps_anybody_out(node: Node) -> None:
    await made(node)
    await made(node, "ben")
    judged = 0
    for number in range(10_000):
        error = await refused(node, "anna", f"guess number {number}", caller=ELSEWHERE)
        if isinstance(error, Throttled):
            assert 0 < error.details["retry_after_s"] <= 900
            node.clock.pass_s(1)
        else:
            judged += 1
    assert judged <= 5 + 10 + 10_000 / 900, "a guess in a quarter of an hour, in the long run"
    assert (await refused(node, "anna", PASSWORD, caller=ELSEWHERE)).code == "sign_in_throttled", (
        "not even the right one"
    )
    await sign_in(node, "anna")  # she herself comes in from where she is
    await sign_in(node, "ben", caller=ELSEWHERE)  # and so does whoever shares the attacker's address


async def test_attempts_at_once_are_not_all_the_first(node: Node) -> None:
    await made(node)
    attempts = [refused(node, "anna", f"guess {number}") for number in range(50)]
    errors = await asyncio.gather(*attempts)
    assert sum(isinstance(error, Unauthenticated) for error in errors) <= 6


async def test_the_wait_is_over_when_it_is_said_to_be(node: Node) -> None:
    await made(node)
    for _ in range(8):
        await refused(node, "anna", "wrong")
        node.clock.pass_s(5)
    error = await refused(node, "anna", "wrong")
    while not isinstance(error, Throttled):
        error = await refused(node, "anna", "wrong")
    node.clock.pass_s(error.details["retry_after_s"])
    await sign_in(node)
    assert not isinstance(await refused(node, "anna", "wrong"), Throttled), "a success wipes the slate"


async def test_the_audit_log_does_not_keep_what_strangers_typed(node: Node) -> None:
    """People type their password into the box above; and a flood of names must not fill the log."""
    for number in range(40):
        await refused(node, f"hunter2-{number}", "x")
    entries = await told(node)
    assert [actor for actor, _, _ in entries] == ["nobody"] * 6
    assert "hunter2" not in str(entries)
    assert entries[-1][2] == '{"reason":"unknown_user","failures_in_a_row":32}'


# The second factor


async def enrolled(node: Node, user: User) -> tuple[bytes, list[str]]:
    """The secret in her app, and her recovery codes."""
    factor = node.services.people.second_factor
    await factor.enrol(user)
    user = await node.services.people.users.get(ORGANISATION, user.id)
    assert user.totp_secret is not None
    secret = node.context.secrets.unseal("totp secret", user.totp_secret)
    codes = await factor.confirm(user, code_at(secret, node.clock() // STEP_US))
    node.clock.pass_s(60)
    return secret, codes


async def test_a_code_is_asked_for_once_the_app_is_confirmed(node: Node) -> None:
    user = await made(node)
    await node.services.people.second_factor.enrol(user)
    await sign_in(node)  # not before
    secret, _ = await enrolled(node, user)
    assert (await refused(node)).code == "totp_required"
    assert (await refused(node, "anna", "wrong")).code == "sign_in_refused", (
        "who has no password learns nothing of codes"
    )
    code = code_at(secret, node.clock() // STEP_US)
    signed_in = await sign_in(node, code=f"{code[:3]} {code[3:]}")
    assert signed_in.session.method == "totp"
    assert (await refused(node, "anna", PASSWORD, code)).code == "sign_in_refused", "a code is good once"


async def test_a_recovery_code_is_good_once(node: Node) -> None:
    user = await made(node)
    _, codes = await enrolled(node, user)
    assert len(codes) == 10
    assert len(set(codes)) == 10
    signed_in = await sign_in(node, code=codes[3].upper().replace("-", " "))
    assert signed_in.session.method == "recovery_code"
    assert (await refused(node, "anna", PASSWORD, codes[3])).code == "sign_in_refused"
    assert await node.storage.users.recovery_codes_left(user.id) == 9


async def test_whoever_has_the_password_may_guess_codes_only_slowly(node: Node) -> None:
    """Neither by asking without a code in between, nor from another address each time."""
    user = await made(node)
    await enrolled(node, user)
    judged = 0
    for number in range(300):
        caller = Caller(f"203.0.113.{number % 250}")
        await refused(node, "anna", PASSWORD, caller=caller)
        error = await refused(node, "anna", PASSWORD, f"{number:06d}", caller=caller)
        judged += not isinstance(error, Throttled)
    assert judged <= 11


async def test_leaving_the_code_out_in_between_wipes_no_slate(node: Node) -> None:
    await enrolled(node, await made(node))
    judged = 0
    for number in range(20):
        await refused(node)
        judged += not isinstance(await refused(node, "anna", PASSWORD, f"{number:06d}"), Throttled)
    assert judged <= 6


async def test_the_app_is_set_up_and_taken_away(node: Node) -> None:
    factor = node.services.people.second_factor
    user = await made(node)
    with pytest.raises(DomainError, match="no new authenticator"):
        await factor.confirm(user, "000000")
    text, uri = await factor.enrol(user)
    assert text in uri
    user = await node.services.people.users.get(ORGANISATION, user.id)
    assert text.encode() not in (user.totp_secret or b"")
    with pytest.raises(Invalid, match="not the code"):
        await factor.confirm(user, "000000")
    await enrolled(node, user)
    user = await node.services.people.users.get(ORGANISATION, user.id)
    with pytest.raises(DomainError, match="already"):
        await factor.enrol(user)
    await node.services.people.users.take_away_totp(ORGANISATION, user.id)
    assert (await sign_in(node)).session.method == "password"


# Sessions


async def test_a_session_ends_by_idleness_and_by_age(node: Node) -> None:
    await made(node)
    sessions = node.services.people.sessions
    signed_in = await sign_in(node)
    settings = node.context.settings
    for _ in range(10):
        node.clock.pass_s(settings.session_idle_s / 2)
        if node.clock() >= signed_in.session.expires_at:
            break
        found = await sessions.find(signed_in.secret)
        assert found is not None
        assert found.ends_at <= signed_in.session.expires_at
    node.clock.now = signed_in.session.expires_at
    assert await sessions.find(signed_in.secret) is None, "nobody stays for ever"
    signed_in = await sign_in(node)
    node.clock.pass_s(settings.session_idle_s)
    assert await sessions.find(signed_in.secret) is None, "nor does whoever left"
    assert await sessions.prune(node.clock()) == 2


async def test_the_secret_is_new_at_each_sign_in_and_the_old_one_ends(node: Node) -> None:
    """Session fixation: a session that somebody planted is not the one in which the victim signs in."""
    await made(node)
    planted = await sign_in(node)
    signed_in = await sign_in(node, caller=Caller("192.0.2.1", session=planted.secret))
    assert signed_in.secret != planted.secret
    assert await node.services.people.sessions.find(planted.secret) is None
    assert await node.services.people.sessions.find("made up") is None
    assert await node.services.people.sessions.find("x" * 5000) is None


async def test_a_new_password_ends_every_other_session(node: Node) -> None:
    await made(node)
    people = node.services.people
    other, mine = await sign_in(node, caller=ELSEWHERE), await sign_in(node)
    with pytest.raises(Invalid) as wrong:
        await people.sign_in.change_password(mine, "not it", "another good password", HERE)
    assert wrong.value.fields[0]["field"] == "current_password"
    with pytest.raises(Invalid) as short:
        await people.sign_in.change_password(mine, PASSWORD, "short", HERE)
    assert short.value.fields[0]["field"] == "new_password"
    caller = Caller(HERE.address, session=mine.secret)
    renewed = await people.sign_in.change_password(mine, PASSWORD, "another good password", caller)
    assert await people.sessions.find(other.secret) is None
    assert await people.sessions.find(mine.secret) is None
    assert await people.sessions.find(renewed.secret) is not None
    assert (await refused(node)).code == "sign_in_refused"
    await sign_in(node, "anna", "another good password")


async def test_a_stolen_session_is_no_way_to_guess_the_password(node: Node) -> None:
    await made(node)
    mine = await sign_in(node)
    ends: list[type[BaseException]] = []
    for _ in range(20):
        with pytest.raises((Invalid, Throttled)) as found:
            await node.services.people.sign_in.change_password(mine, "guess", "another good password", HERE)
        ends.append(found.type)
    assert ends == [Invalid] * 6 + [Throttled] * 14


async def test_who_is_disabled_is_out_at_once(node: Node) -> None:
    await made(node)
    ben = await made(node, "ben")
    signed_in = await sign_in(node, "ben")
    await node.storage.users.update(ben.id, {"disabled_at": node.clock()})  # past the service that ends sessions
    assert await node.services.people.sessions.find(signed_in.secret) is None


def test_a_place_is_an_address_or_the_network_of_a_household() -> None:
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8:1:2:aaaa::1") == network_of("2001:db8:1:2:bbbb::2") == "2001:db8:1:2::"
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("unix socket") == "unix socket"
