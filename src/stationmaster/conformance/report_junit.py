"""The report as JUnit XML, for build servers."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

__all__ = ["junit_of"]


def junit_of(data: Mapping[str, Any]) -> str:
    """What `report.as_json` gives, as a test suite with a test case for each case."""
    suite = ET.Element(
        "testsuite",
        name="OCPP 1.6 central system",
        timestamp=data["date"],
        tests=str(len(data["cases"])),
        failures=str(data["totals"]["fail"]),
        errors="0",
        skipped=str(data["totals"]["not run"]),
        time=f"{sum(each['seconds'] for each in data['cases']):.3f}",
    )
    for each in data["cases"]:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=each["functionality"],
            name=f"{each['id']} {each['title']}",
            time=f"{each['seconds']:.3f}",
        )
        if each["verdict"] == "fail":
            failure = ET.SubElement(case, "failure", message=_xml_text(each["reason"]))
            failure.text = _xml_text("\n".join(each["dialogue"]))
        elif each["verdict"] == "not run":
            ET.SubElement(case, "skipped", message=_xml_text(each["reason"]))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _xml_text(text: str) -> str:
    """What XML 1.0 can hold; the rest is shown as it would be written in JSON."""
    return "".join(each if _is_xml(each) else f"\\u{ord(each):04x}" for each in text)


def _is_xml(each: str) -> bool:
    return each in "\t\n" or " " <= each <= "\ud7ff" or "\ue000" <= each <= "\ufffd" or each >= "\U00010000"
