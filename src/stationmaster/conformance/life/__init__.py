"""A station that lives an ordinary life, for demonstrations, load and trying things out.

It boots, beats, reports, is visited by drivers whose cars charge along plausible curves, keeps its transaction
messages while offline, and obeys every command of OCPP 1.6. It learns nothing of the central system but
what that says.
"""

from stationmaster.conformance.life.clock import Clock
from stationmaster.conformance.life.population import Population, Resident
from stationmaster.conformance.life.station import Habits, LivingStation
from stationmaster.conformance.life.traits import Outlet, Traits, draw_traits

__all__ = ["Clock", "Habits", "LivingStation", "Outlet", "Population", "Resident", "Traits", "draw_traits"]
