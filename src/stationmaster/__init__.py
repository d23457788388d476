"""Stationmaster, a charging station management system: the central system of OCPP 1.6-J.

The layers of the package, and which of them may import which, are told in ARCHITECTURE.md.
"""

__version__ = "0.1.0"
