"""Agreeing on permessage-deflate. The socket probes have the rest."""

import pytest

from stationmaster.gateway.compression import agree_on_compression


@pytest.mark.parametrize(
    "offers",
    [
        ("permessage-deflate",),
        ("x-other, permessage-deflate; client_max_window_bits",),
        ("x-other", "permessage-deflate; server_max_window_bits=10"),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate",),
    ],
)
def test_the_first_usable_offer_is_taken_and_no_memory_is_kept_between_messages(offers: tuple[str, ...]) -> None:
    agreed = agree_on_compression(offers)
    assert agreed is not None
    deflate, header = agreed
    assert deflate.local_no_context_takeover
    assert deflate.remote_no_context_takeover
    assert "server_no_context_takeover" in header


@pytest.mark.parametrize("offers", [(), ("x-other",), ("===",), ("permessage-deflate; nonsense",)])
def test_without_a_usable_offer_there_is_none(offers: tuple[str, ...]) -> None:
    assert agree_on_compression(offers) is None
