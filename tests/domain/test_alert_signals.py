"""What events mean to the rules of alerts: begun, ended, or happened once more."""

from typing import Any

import pytest

from stationmaster.domain.alerts.signals import Step, signals_of
from stationmaster.domain.load_management.effects import AlertKind

NOW = 1_700_000_000_000_000


def meaning(type: str, data: dict[str, Any]) -> list[tuple[str, str, Step]]:
    """(kind, subject, step) of each signal."""
    return [(each.kind, each.subject, each.step) for each in signals_of(type, "org", "CP7", NOW, data)]


def certificate(state: str, alerted_at: int | None) -> dict[str, Any]:
    return {"certificate": {"state": state, "alerted_at": alerted_at}}


@pytest.mark.parametrize(
    ("type", "data", "expected"),
    [
        ("security.event", {"type": "CertificateExpiring"}, ("certificate_expiring", "station:CP7", Step.RAISE)),
        ("security.event", {"type": "AuthorityExpiring"}, ("certificate_expiring", "authority", Step.RAISE)),
        ("security.event", {"type": "StationIdentityContested"}, ("identity_contested", "station:CP7", Step.RAISE)),
        ("security.event", {"type": "StationIdentityMoved", "critical": False}, None),
        ("station.identity_settled", {}, ("identity_contested", "station:CP7", Step.END)),
        ("security.event", {"type": "InvalidMessages", "critical": False}, None),
        ("certificate.changed", certificate("active", None), ("certificate_expiring", "station:CP7", Step.END)),
        ("certificate.changed", certificate("superseded", NOW), ("certificate_expiring", "station:CP7", Step.END)),
        ("certificate.changed", certificate("active", NOW), None),
        ("certificate.changed", certificate("superseded", None), None),
        (
            "firmware_campaign.changed",
            {"campaign_id": "c", "state": "stopped"},
            ("firmware_campaign_stopped", "campaign:c", Step.RAISE),
        ),
        (
            "firmware_campaign.changed",
            {"campaign_id": "c", "state": "running"},
            ("firmware_campaign_stopped", "campaign:c", Step.END),
        ),
        ("webhook.disabled", {"webhook_id": "w"}, ("webhook_disabled", "webhook:w", Step.RAISE)),
        ("webhook.enabled", {"webhook_id": "w"}, ("webhook_disabled", "webhook:w", Step.END)),
        ("email.sent", {"recipient_id": "r"}, ("email_undeliverable", "recipient:r", Step.END)),
        ("station.heartbeat", {}, None),
    ],
)
def test_an_event_means(type: str, data: dict[str, Any], expected: tuple[str, str, Step] | None) -> None:
    assert meaning(type, data) == ([] if expected is None else [expected])


CONFLICT = "local_list_conflict", "station:CP7"


@pytest.mark.parametrize(
    ("evse_id", "status", "error_code", "expected"),
    [
        (None, "Available", "LocalListConflict", Step.RAISE),
        (None, "Faulted", "LocalListConflict", Step.RAISE),
        (2, "Charging", "LocalListConflict", Step.RAISE),
        (None, "Available", "NoError", Step.END),
        (None, "Faulted", "NoError", Step.END),
        (None, "Available", "OtherError", None),
        (2, "Available", "NoError", None),
    ],
)
def test_a_list_contradicts_until_the_station_itself_has_no_error(
    evse_id: int | None, status: str, error_code: str, expected: Step | None
) -> None:
    data = {"location": {"evse_id": evse_id}, "status": status, "error_code": error_code}
    fault, *conflict = meaning("connector.status", data)
    assert fault == (
        "connector_faulted",
        f"connector:CP7/{evse_id or 0}",
        Step.BEGIN if status == "Faulted" else Step.END,
    )
    assert conflict == ([] if expected is None else [(*CONFLICT, expected)])
    assert meaning("local_list.replaced", {"version": 3}) == [(*CONFLICT, Step.END)]


@pytest.mark.parametrize("kind", AlertKind)
def test_what_a_planner_tells_is_an_alert_of_a_rule_and_ends(kind: AlertKind) -> None:
    about = {"site_id": "garage", "kind": kind.value, "message": "-", "location": {"station_id": "CP7", "evse_id": 2}}
    raised, cleared = meaning("site.alert_raised", about), meaning("site.alert_cleared", about)
    if kind is AlertKind.STATION_OFFLINE:
        assert raised == cleared == [], "<< there is a rule of its own for it"
        return
    (rule, subject, step), (same_rule, same_subject, end) = raised[0], cleared[0]
    assert (step, end) == (Step.RAISE, Step.END)
    assert (rule, subject) == (same_rule, same_subject)
    assert subject == f"site:garage/CP7/2/{kind.value}"


def test_a_start_that_came_too_late_begins_nothing() -> None:
    kind = "transaction_without_energy"
    begun = {"outcome": {"id": 7, "superseded_ids": [3], "superseded_at": None}}
    assert meaning("transaction.started", begun) == [
        (kind, "transaction:3", Step.END),
        (kind, "transaction:7", Step.BEGIN),
    ]
    late = {"outcome": {"id": 7, "superseded_ids": [3], "superseded_at": NOW}}
    assert meaning("transaction.started", late) == [(kind, "transaction:3", Step.END)]
