"""From a path to an identity (handbook §1.1)."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.domain.identities import has_control_characters
from stationmaster.gateway.identities import Identity, PathRules, identity_of

RULES = PathRules()


@given(
    st.text(min_size=1, max_size=255).filter(lambda text: not has_control_characters(text) and text not in {".", ".."})
)
def test_every_identity_that_is_percent_encoded_comes_back(name: str) -> None:
    raw = quote(name, safe="")
    assert identity_of(f"/ocpp/{raw}", RULES) == Identity(name, raw)


def test_an_identity_is_decoded_exactly_once() -> None:
    assert identity_of("/ocpp/a%2520b", RULES) == Identity("a%20b", "a%2520b")


@pytest.mark.parametrize("length", [256, 1000])
def test_an_identity_has_an_end(length: int) -> None:
    assert identity_of("/ocpp/" + "x" * (length - 1), RULES) == (
        Identity("x" * 255, "x" * 255) if length == 256 else None
    )


@pytest.mark.parametrize(
    ("rules", "target", "name"),
    [
        (PathRules(), "/ocpp/CP1/", None),
        (PathRules(trailing_slash=True), "/ocpp/CP1/", "CP1"),
        (PathRules(trailing_slash=True), "/ocpp/", None),
        (PathRules(extra_segments=True), "/ocpp/CP1/any/thing", "CP1"),
        (PathRules(endpoints=("",)), "/CP1", "CP1"),
        (PathRules(endpoints=("/",)), "/CP1", "CP1"),
        (PathRules(endpoints=("/",)), "/ocpp/CP1", None),
        (PathRules(endpoints=("/a/b", "/a")), "/a/b/CP1", "CP1"),
        (PathRules(endpoints=("/a",)), "/a/b/CP1", None),
        (PathRules(), "/ocppCP1", None),
        (PathRules(), "wss://h:1/ocpp/CP1#x", "CP1"),
        (PathRules(), "HTTP://h/ocpp/CP1", "CP1"),
        (PathRules(), "ws://h", None),
        (PathRules(), "", None),
    ],
)
def test_rules_say_where_identities_are(rules: PathRules, target: str, name: str | None) -> None:
    identity = identity_of(target, rules)
    assert (identity.name if identity is not None else None) == name


@given(st.text(alphabet="/%.ocp2fF\xff?#:ws", max_size=40))
def test_no_path_breaks_it(target: str) -> None:
    identity_of("/ocpp/" + target, RULES)
    identity_of(target, RULES)
