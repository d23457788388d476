"""The client chooses among what is supported (handbook §1.3). The handshake probes have the rest."""

from stationmaster.gateway.subprotocols import choose_subprotocol


def test_the_first_supported_token_of_the_client_wins() -> None:
    assert choose_subprotocol(["ocpp2.0.1", "b", "a"], ("a", "b")) == "b"
    assert choose_subprotocol(["A"], ("a",)) is None
    assert choose_subprotocol([], ("a",)) is None
