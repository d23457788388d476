"""What the Authorization header says (handbook §4.2). The handshake probes have the rest."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.gateway.credentials import password_from
from stationmaster.gateway.identities import Identity

CP1 = Identity("CP1", "CP1")


@given(st.binary(max_size=60))
def test_any_bytes_may_be_a_password(password: bytes) -> None:
    header = "Basic " + base64.b64encode(b"CP1:" + password).decode()
    assert password_from((header,), CP1) == password


@given(st.text(max_size=60))
def test_no_header_breaks_it(header: str) -> None:
    assert password_from((header,), CP1) in {"password_unreadable", "user_mismatch"} or header.lower().startswith(
        "basic"
    )


def test_the_user_may_be_the_identity_decoded_or_as_written() -> None:
    identity = Identity("Zürich", "Z%C3%BCrich")
    for user in ("Zürich", "Z%C3%BCrich"):
        header = "Basic " + base64.b64encode(f"{user}:pw".encode()).decode()
        assert password_from((header,), identity) == b"pw"
