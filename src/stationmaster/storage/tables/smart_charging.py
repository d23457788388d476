"""Tables of smart charging: what each station holds, and the library of profiles."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import metadata, number, organisation, text

__all__ = ["charging_profile", "installed_profiles"]

installed_profiles = sa.Table(
    "installed_profiles",
    metadata,
    text("station_id", primary_key=True),
    organisation(),
    text("mirror"),
    number("changed_at"),
    number("local_time_at", null=True),
    text("local_time_zone", null=True),
    number("claimed_until", null=True),
)
"""One row per station: the mirror is read and written whole, as JSON, since each change looks at all of it.

`local_time_at` is when the profiles that follow local time are to be looked at, None where there are none;
`local_time_zone` is the zone by whose clock they were looked at last, `claimed_until` how long somebody is at it.
"""

sa.Index(
    "ix_installed_profiles_local_time_at",
    installed_profiles.c.local_time_at,
    sqlite_where=installed_profiles.c.local_time_at.is_not(None),
    postgresql_where=installed_profiles.c.local_time_at.is_not(None),
)

charging_profile = sa.Table(
    "charging_profile",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("site_id", null=True),
    text("name"),
    text("note", null=True),
    text("profile"),
    number("created_at"),
    number("updated_at"),
)
"""Profiles kept to be sent: JSON without a place and without an id of their own."""

sa.Index("ix_charging_profile_organisation_id_name", charging_profile.c.organisation_id, charging_profile.c.name)
