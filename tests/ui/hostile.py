"""Text that would do harm where it became markup, in every place where others may write."""

from typing import Any

HOSTILE = '<img src=x onerror="window.__xss=1"><script>window.__xss=1</script>\u202egnp.exe'
URL = "javascript:window.__xss=1"
LONG = ("<svg/onload=window.__xss=1>" * 20)[:500]
SHORT = "<b onload=x>\u202e'\"&"
"""What fits where the specification allows 20 characters."""
TAG = "<i onload=x>'\"&\u202e"


def frames() -> list[tuple[str, dict[str, Any]]]:
    """What a hostile station says: every text field of every message that it may send."""
    status = {"connectorId": 1, "errorCode": "OtherError", "status": "Faulted", "info": HOSTILE, "vendorId": LONG}
    sample = {"value": HOSTILE, "context": HOSTILE, "measurand": HOSTILE, "unit": HOSTILE, "location": HOSTILE}
    real = {"value": "11000", "measurand": "Power.Active.Import", "unit": "W"}
    at = "2026-01-01T00:00:00Z"
    meter = {"connectorId": 1, "meterValue": [{"timestamp": at, "sampledValue": [sample, real]}]}
    start = {"connectorId": 1, "idTag": TAG, "meterStart": 0, "timestamp": at}
    return [
        ("StatusNotification", {**status, "vendorErrorCode": HOSTILE}),
        ("StatusNotification", {"connectorId": 0, "errorCode": HOSTILE, "status": HOSTILE, "info": URL}),
        ("Authorize", {"idTag": SHORT}),
        ("Authorize", {"idTag": HOSTILE}),
        ("StartTransaction", start),
        ("MeterValues", meter),
        ("DataTransfer", {"vendorId": HOSTILE, "messageId": LONG, "data": HOSTILE}),
        ("DataTransfer", {"vendorId": "v", "messageId": URL, "data": {"html": HOSTILE}}),
        ("SecurityEventNotification", {"type": HOSTILE, "timestamp": at, "techInfo": LONG}),
        ("FirmwareStatusNotification", {"status": HOSTILE}),
        ("DiagnosticsStatusNotification", {"status": HOSTILE}),
        ("FirmwareStatusNotification", {"status": "Downloading"}),
        ("LogStatusNotification", {"status": HOSTILE, "requestId": 1}),
        (HOSTILE, {"x": HOSTILE}),
        ("Heartbeat", {HOSTILE: HOSTILE}),
    ]


BOOT: dict[str, Any] = {
    name: LONG if name == "firmwareVersion" else HOSTILE
    for name in (
        "chargePointVendor",
        "chargePointModel",
        "chargePointSerialNumber",
        "chargeBoxSerialNumber",
        "firmwareVersion",
        "iccid",
        "imsi",
        "meterType",
        "meterSerialNumber",
    )
}

CONFIGURATION: dict[str, Any] = {
    "configurationKey": [
        {"key": SHORT, "readonly": False, "value": HOSTILE},
        {"key": LONG[:50], "readonly": True, "value": LONG},
    ],
    "unknownKey": [HOSTILE[:50]],
}
