"""A station on the line that has configuration keys, and the habits that real ones have."""

from typing import Any

from tests.actions.line import Line

__all__ = ["KeyedStation"]


class KeyedStation(Line):
    """Answers GetConfiguration, ChangeConfiguration and Reset by itself, unless `will_answer` says otherwise."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.keys: dict[str, str] = {"GetConfigurationMaxKeys": "3", "HeartbeatInterval": "300", "CpoName": ""}
        self.readonly: set[str] = {"GetConfigurationMaxKeys"}
        self.write_only: set[str] = set()
        self.lies: set[str] = set()
        """Keys that it says to have changed and has not."""
        self.at_boot: set[str] = set()
        """Keys that it takes at its next boot."""
        self.refuses: set[str] = set()
        self._pending: dict[str, str] = {}

    def answer_to(self, action: str, payload: Any) -> Any:
        """By its keys. Each answer takes a moment."""
        self.node.clock.pass_s(0.001)
        if self._answers.get(action):
            return super().answer_to(action, payload)
        match action:
            case "GetConfiguration":
                assert len(payload.get("key", ())) <= int(self.keys.get("GetConfigurationMaxKeys", "1"))
                return self._read(payload.get("key") or list(self.keys))
            case "ChangeConfiguration":
                return {"status": self._change(payload["key"], payload["value"])}
            case "Reset":
                return {"status": "Accepted"}
        return super().answer_to(action, payload)

    async def boots(self, firmware: str = "1.0") -> None:
        """Boots, with what it took for the boot; what that causes has happened on return."""
        self.keys |= self._pending
        self._pending.clear()
        self.node.clock.pass_s(1)
        answer = await self.says(
            "BootNotification", chargePointVendor="Acme", chargePointModel="Twin", firmwareVersion=firmware
        )
        assert answer["status"] == "Accepted"

    def asked(self, action: str) -> list[Any]:
        """The payloads of what it was asked, and forget them."""
        found = [payload for heard, payload in self.heard if heard == action]
        self.heard = [each for each in self.heard if each[0] != action]
        return found

    def changes(self) -> list[tuple[str, str]]:
        """What it was told to change, and forget it."""
        return [(each["key"], each["value"]) for each in self.asked("ChangeConfiguration")]

    def _spelled(self, key: str) -> str | None:
        return next((each for each in self.keys if each.lower() == key.lower()), None)

    def _read(self, keys: list[str]) -> dict[str, Any]:
        known, unknown = [], []
        for key in keys:
            name = self._spelled(key)
            if name is None:
                unknown.append(key)
                continue
            told = {} if name in self.write_only else {"value": self.keys[name]}
            known.append({"key": name, "readonly": name in self.readonly, **told})
        return {"configurationKey": known, **({"unknownKey": unknown} if unknown else {})}

    def _change(self, key: str, value: str) -> str:
        name = self._spelled(key)
        if name is None:
            return "NotSupported"
        if name in self.readonly or name in self.refuses:
            return "Rejected"
        if name in self.at_boot:
            self._pending[name] = value
            return "RebootRequired"
        if name not in self.lies:
            self.keys[name] = value
        return "Accepted"
