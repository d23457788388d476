"""What is wrong with a configuration is said in words before anything is shared."""

from collections.abc import Callable

import pytest

from stationmaster.domain.load_management.lanes import Phase
from stationmaster.domain.load_management.site import Connector, Settings, Site, SiteLimit, problems
from stationmaster.domain.locations import Location

HERE = Location("CP7", 2, 1)
FUSE = SiteLimit(name="fuse", phase_deciamps=(630, 630, 630))


def test_a_plain_site_has_no_problems() -> None:
    assert problems(Site(site_id="garage", limits=(FUSE,)), [Connector(location=HERE)]) == ()
    assert problems(Site(site_id="garage"), []) == (), "a site without stations is none"


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Site(site_id="a", phases=()), "a site has 1 to 3 different phases"),
        (lambda: Site(site_id="a", nominal_voltage_v=0), "a nominal voltage of 0 V cannot be"),
        (lambda: Site(site_id="a", settings=Settings(lead_s=30)), "margin for clocks"),
        (lambda: Site(site_id="a", settings=Settings(retry_s=())), "a wait after a failed command"),
        (lambda: Site(site_id="a", limits=(SiteLimit(name="x"),)), "limit 'x' limits nothing"),
        (lambda: Site(site_id="a", limits=(SiteLimit(name="x", total_w=-1),)), "limit 'x' is below 0"),
        (lambda: Site(site_id="a", phases=(Phase.L1,), limits=(FUSE,)), "speaks of L2, which the site does not have"),
        (lambda: Site(site_id="a", limits=(SiteLimit(name="x", total_w=1, daily_from_s=1),)), "both ends"),
        (
            lambda: Site(site_id="a", limits=(SiteLimit(name="x", total_w=1, daily_from_s=1, daily_to_s=99_999),)),
            "outside the day",
        ),
    ],
)
def test_a_site_with_a_problem(make: Callable[[], Site], words: str) -> None:
    assert words in "; ".join(problems(make(), []))


@pytest.mark.parametrize(
    "connector, words",
    [
        (Connector(location=HERE, phases=(Phase.L1, Phase.L1)), "connector 2 of CP7 names a phase twice"),
        (Connector(location=HERE, step_deciamps=0), "rounds to 0 tenths"),
        (Connector(location=HERE, max_deciamps=50), "no current between its minimum and its maximum"),
        (Connector(location=HERE, min_deciamps=61, max_deciamps=69), "no current between"),
        (Connector(location=HERE, min_deciamps=0), "no current between"),
        (Connector(location=HERE, pause_deciamps=15), "has a pause current that is no multiple"),
        (Connector(location=HERE, standby_deciamps=330), "has a standby current that is no multiple"),
    ],
)
def test_a_connector_with_a_problem(connector: Connector, words: str) -> None:
    assert words in "; ".join(problems(Site(site_id="a"), [connector]))


def test_a_connector_is_told_whole_steps_between_its_limits() -> None:
    odd = Connector(location=HERE, min_deciamps=61, max_deciamps=325, step_deciamps=20)
    assert (odd.least_deciamps, odd.most_deciamps) == (80, 320)
