"""What kind of station it is: what it tells of itself at boot, and what hardware it has."""

import random
from dataclasses import dataclass, replace

__all__ = ["Outlet", "Traits", "draw_traits"]


@dataclass(frozen=True, slots=True)
class Outlet:
    """One connector. Power is the total over all phases; `phases` 0: direct current."""

    power_w: float
    phases: int
    fixed_cable: bool

    @property
    def direct_current(self) -> bool:
        """Whether it charges past the car's own charger."""
        return self.phases == 0


@dataclass(frozen=True, slots=True)
class Traits:
    """A model of station, and one specimen of it (`serial_number`)."""

    vendor: str
    model: str
    firmware_version: str
    outlets: tuple[Outlet, ...]
    serial_number: str = ""
    meter_type: str = "MID-3P"


_SOCKET_22 = Outlet(22_080.0, 3, fixed_cable=False)
_CABLE_11 = Outlet(11_040.0, 3, fixed_cable=True)
_SOCKET_7 = Outlet(7_360.0, 1, fixed_cable=False)
_FAST_50 = Outlet(50_000.0, 0, fixed_cable=True)
_FAST_150 = Outlet(150_000.0, 0, fixed_cable=True)

_MODELS = (
    (5, Traits("Lindgren", "Duo 22", "4.2.1", (_SOCKET_22, _SOCKET_22))),
    (3, Traits("Lindgren", "Wall 11", "4.2.1", (_CABLE_11,))),
    (2, Traits("Ostrava Power", "Lamp 7", "1.9.0", (_SOCKET_7,))),
    (2, Traits("Meridian", "HPC 150", "2024.11.3", (_FAST_150, _FAST_150))),
    (1, Traits("Meridian", "Trio 50", "2024.8.0", (_FAST_50, _SOCKET_22))),
)


def draw_traits(random_: random.Random) -> Traits:
    """A station as one might stand on a street; all makers are invented."""
    model = random_.choices([traits for _, traits in _MODELS], [weight for weight, _ in _MODELS])[0]
    return replace(model, serial_number=f"{model.vendor[:2].upper()}{random_.randrange(10**8):08d}")
