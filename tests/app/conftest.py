"""Fixtures of other folders that the tests of the wiring share."""

from tests.bus.conftest import link

__all__ = ["link"]
