"""Charging profiles as the API takes and gives them: limits exact to the tenth, places as numbers of connectors."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from stationmaster.api.values import Body, InstantIn, Moment, View
from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedule,
    ChargingSchedulePeriod,
    InstalledProfile,
    Kind,
    Purpose,
    RateUnit,
    Recurrency,
)
from stationmaster.domain.smart_charging.tenths import NotTenths, tenths_of

__all__ = ["InstalledProfileView", "LimitIn", "LimitOut", "ProfileBody", "ProfileView", "period_views"]

_NUMBER = {"type": "number", "multipleOf": 0.1}
_LARGEST = 2**31 - 1


def _read_limit(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise PydanticCustomError("limit_in_range", "a limit is a number")
    try:
        # A float is read as it was written: 7.5 and not what binary made of it.
        return tenths_of(Decimal(repr(value)) if isinstance(value, float) else value)
    except NotTenths as error:
        raise PydanticCustomError(error.rule, str(error).replace("{", "(")) from None


LimitIn = Annotated[int, BeforeValidator(_read_limit), WithJsonSchema(_NUMBER)]
"""A limit in a request, with at most one digit after the point; becomes tenths."""

LimitOut = Annotated[int, PlainSerializer(lambda tenths: tenths / 10, return_type=float), WithJsonSchema(_NUMBER)]
"""Tenths in an answer, written as the number they are."""


class PeriodBody(Body):
    """A limit from `start_period_s` after the schedule's start."""

    start_period_s: int = Field(ge=0, le=_LARGEST)
    limit: LimitIn
    number_phases: int | None = None


class ScheduleBody(Body):
    """Limits over time."""

    unit: Annotated[RateUnit, BeforeValidator(RateUnit)] = Field(description="A: per phase. W: over all phases.")
    periods: list[PeriodBody] = Field(max_length=1024)
    duration_s: int | None = Field(default=None, ge=0, le=_LARGEST)
    start_schedule: InstantIn | None = None
    min_charging_rate: LimitIn | None = None


class ProfileBody(Body):
    """A charging profile. Its id is ours to give unless `profile_id` is there."""

    purpose: Annotated[Purpose, BeforeValidator(Purpose)]
    kind: Annotated[Kind, BeforeValidator(Kind)]
    recurrency: Annotated[Recurrency | None, BeforeValidator(lambda value: value and Recurrency(value))] = None
    stack_level: int = Field(default=0, ge=0, le=_LARGEST)
    valid_from: InstantIn | None = None
    valid_to: InstantIn | None = None
    transaction_id: int | None = Field(default=None, description="As the station knows it.")
    profile_id: int | None = Field(default=None, ge=1, le=_LARGEST)
    schedule: ScheduleBody

    def noun(self) -> ChargingProfile:
        """The profile."""
        schedule = self.schedule
        return ChargingProfile(
            profile_id=self.profile_id or 0,
            stack_level=self.stack_level,
            purpose=self.purpose,
            kind=self.kind,
            recurrency=self.recurrency,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            transaction_id=None if self.transaction_id is None else str(self.transaction_id),
            schedules=(
                ChargingSchedule(
                    unit=schedule.unit,
                    periods=tuple(
                        ChargingSchedulePeriod(
                            start_period_s=period.start_period_s,
                            limit_tenths=period.limit,
                            number_phases=period.number_phases,
                        )
                        for period in schedule.periods
                    ),
                    duration_s=schedule.duration_s,
                    start_schedule=schedule.start_schedule,
                    min_charging_rate_tenths=schedule.min_charging_rate,
                ),
            ),
        )


class PeriodView(View):
    """A limit from some second on; null is no limit."""

    start_period_s: int
    limit: LimitOut | None
    number_phases: int | None = None


class ScheduleView(View):
    """Limits over time."""

    unit: str
    periods: list[PeriodView]
    duration_s: int | None
    start_schedule: Moment | None
    min_charging_rate: LimitOut | None


class ProfileView(View):
    """A charging profile."""

    profile_id: int
    purpose: str
    kind: str
    recurrency: str | None
    stack_level: int
    valid_from: Moment | None
    valid_to: Moment | None
    transaction_id: str | None
    schedule: ScheduleView

    @classmethod
    def of(cls, profile: ChargingProfile) -> "ProfileView":
        """What is told of a profile."""
        schedule = profile.schedule
        told = ScheduleView.model_validate(
            {
                "unit": schedule.unit,
                "periods": period_views(schedule.periods),
                "duration_s": schedule.duration_s,
                "start_schedule": schedule.start_schedule,
                "min_charging_rate": schedule.min_charging_rate_tenths,
            }
        )
        return cls.model_validate(
            {name: getattr(profile, name) for name in cls.model_fields if name != "schedule"} | {"schedule": told}
        )


class InstalledProfileView(View):
    """A profile that a station holds, or may hold."""

    connector_id: int = Field(description="0 is the station.")
    certainty: str = Field(description="known, or unknown: stations differ here, or an answer never came.")
    installed_at: Moment | None
    local_time_zone: str | None = Field(
        description="The zone whose wall clock the profile follows: it is sent anew when the clocks change there. "
        "null: its start stays as it is."
    )
    out_of_step: bool = Field(
        description="True: the clocks have changed, and the station has not taken the profile anew, for all we know."
    )
    profile: ProfileView

    @classmethod
    def of(cls, entry: InstalledProfile) -> "InstalledProfileView":
        """What is told of it."""
        return cls.model_validate(
            {
                "connector_id": entry.location.connector_number,
                "certainty": entry.certainty,
                "installed_at": entry.installed_at,
                "local_time_zone": entry.local_time_zone,
                "out_of_step": entry.renewal is not None,
                "profile": ProfileView.of(entry.profile),
            }
        )


def period_views(periods: Any) -> list[dict[str, Any]]:
    """Periods of a schedule or of a composite schedule."""
    return [
        {
            "start_period_s": period.start_period_s,
            "limit": period.limit_tenths,
            "number_phases": getattr(period, "number_phases", None),
        }
        for period in periods
    ]
