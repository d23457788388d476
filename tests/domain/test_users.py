"""What users are called and what a password must be."""

import pytest

from stationmaster.domain.errors import Invalid
from stationmaster.domain.roles import ROLES, highest
from stationmaster.domain.users import User, check_new_password, check_username, username_key


@pytest.mark.parametrize(
    "password, code",
    [
        ("", "too_short"),
        ("elevenchars", "too_short"),
        ("x" * 201, "too_long"),
        ("a" * 12, "too_simple"),
        ("Anna.Andersson", "too_simple"),
        ("with a\x00 in the middle", "characters"),
        ("half a pair \ud800", "characters"),
    ],
)
def test_what_a_password_cannot_be(password: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_new_password(password, "anna.andersson")
    assert refused.value.fields[0]["code"] == code


@pytest.mark.parametrize(
    "password", ["twelve chars", "correct horse battery staple", "p\u00e4ssw\u00f6rd-l\u00e5ng", "x" * 199 + "y"]
)
def test_what_a_password_can_be(password: str) -> None:
    assert check_new_password(password, "anna") == password


def test_what_looks_the_same_is_the_same() -> None:
    assert check_new_password("cafe\u0301 au lait", "anna") == check_new_password("caf\u00e9 au lait", "anna")
    assert username_key(" ANNA\uff21 ") == username_key("annaa")


@pytest.mark.parametrize("username", ["", "  ", "anna andersson", "a\x00b", "x" * 101])
def test_what_a_user_cannot_be_called(username: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_username(username)
    assert refused.value.fields[0]["field"] == "username"


def test_the_highest_role_counts() -> None:
    assert highest({"operator", "viewer", "emperor"}) == "operator"
    assert highest(set(ROLES)) == "admin"
    assert highest({"emperor"}) is None


def test_a_secret_that_was_not_confirmed_asks_for_no_code() -> None:
    user = User(id="1", organisation_id="o", username="u", name="n", role="viewer", totp_secret=b"sealed")
    assert not user.totp_enabled
