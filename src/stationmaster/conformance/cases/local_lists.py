"""Local authorization list management (handbook §5.4)."""

from typing import Any

from stationmaster.conformance.kit import Functionality, case, must
from stationmaster.conformance.lab import Lab, LabStation, same

LIST = Functionality.LOCAL_LIST


def _entry(id_tag: str) -> dict[str, Any]:
    return {"idTag": id_tag, "idTagInfo": {"status": "Accepted"}}


async def _version(lab: Lab, station: LabStation, version: int) -> None:
    lab.press("GetLocalListVersion", {})
    await station.obey("GetLocalListVersion", {"listVersion": version})


async def _send(lab: Lab, station: LabStation, kind: str, version: int, tags: list[str], answer: str) -> dict[str, Any]:
    wish = {"listVersion": version, "updateType": kind, "localAuthorizationList": [_entry(tag) for tag in tags]}
    lab.press("SendLocalList", wish)
    sent = (await station.obey("SendLocalList", {"status": answer})).payload
    same(sent["updateType"], kind, "updateType")
    must(sent["listVersion"] > 0, f"listVersion is {sent['listVersion']}")
    await lab.settled()
    return sent


@case("TC_042_1", "Get local list version, not supported", LIST, operator=True)
async def version_not_supported(lab: Lab) -> None:
    """<< GetLocalListVersion; >> -1."""
    async with lab.station() as station:
        await _version(lab, station, -1)


@case("TC_042_2", "Get local list version, empty", LIST, operator=True)
async def version_empty(lab: Lab) -> None:
    """<< GetLocalListVersion; >> 0."""
    async with lab.station() as station:
        await _version(lab, station, 0)


@case("TC_043_1", "Send local list, not supported", LIST, operator=True)
async def list_not_supported(lab: Lab) -> None:
    """<< SendLocalList Full; >> NotSupported."""
    async with lab.station() as station:
        await _send(lab, station, "Full", 1, [lab.settings.valid_id_tag], "NotSupported")


@case("TC_043_3", "Send local list, failed", LIST, operator=True)
async def list_failed(lab: Lab) -> None:
    """<< SendLocalList Full; >> Failed."""
    async with lab.station() as station:
        await _send(lab, station, "Full", 1, [lab.settings.valid_id_tag], "Failed")


@case("TC_043_4", "Send local list, full", LIST, operator=True)
async def list_full(lab: Lab) -> None:
    """<< SendLocalList Full with at least one entry, each with its idTagInfo; >> Accepted."""
    async with lab.station() as station:
        sent = await _send(lab, station, "Full", 1, [lab.settings.valid_id_tag], "Accepted")
        entries = sent.get("localAuthorizationList", [])
        must(entries, "the list is empty")
        must(all("idTagInfo" in entry for entry in entries), "an entry has no idTagInfo")


@case("TC_043_5", "Send local list, differential", LIST, operator=True)
async def list_differential(lab: Lab) -> None:
    """<< Full; GetLocalListVersion; SendLocalList Differential with only the new token and a higher version."""
    async with lab.station() as station:
        full = await _send(lab, station, "Full", 1, [lab.settings.valid_id_tag], "Accepted")
        await _version(lab, station, full["listVersion"])
        await lab.settled()
        version = full["listVersion"] + 1
        sent = await _send(lab, station, "Differential", version, [lab.settings.second_id_tag], "Accepted")
        entries = sent.get("localAuthorizationList", [])
        same([entry["idTag"] for entry in entries], [lab.settings.second_id_tag], "the list")
        must("idTagInfo" in entries[0], "the entry has no idTagInfo")
        must(sent["listVersion"] > full["listVersion"], "listVersion did not grow")
