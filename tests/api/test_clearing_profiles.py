"""Which profiles a station can be told to clear: only what its version of OCPP has words for."""

import pytest

from tests.api.conftest import Client, connected


async def test_a_purpose_that_the_station_has_no_word_for_is_refused(api: Client) -> None:
    async with connected(api) as station:
        path = f"/stations/{station.identity}/charging-profiles"
        body = {"purpose": "station_external"}
        problem = await api.problem("POST", f"{path}/clear", 422, "purpose_unknown", json=body)
        assert [each["field"] for each in problem["errors"]] == ["purpose"]
        assert "station_external" in problem["detail"]
        schedule = {"unit": "A", "periods": [{"start_period_s": 0, "limit": 6}]}
        profile = {"purpose": "station_external", "kind": "relative", "schedule": schedule}
        wish = {"connector_id": 0, "profile": profile}
        await api.problem("POST", path, 422, "profile_refused", json=wish | {"send_anyway": True})
    assert (await api.get("/jobs"))["items"] == []


@pytest.mark.parametrize(
    "body", [{"purpose": "everything"}, {"purpose": 5}, {"profile_id": 2**31}, {"stack_level": 10**30}]
)
async def test_nothing_goes_out_that_a_station_could_not_read(api: Client, body: dict[str, object]) -> None:
    path = f"/stations/{await api.station()}/charging-profiles/clear"
    answer = await api.http.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]
