"""What the stations of the benchmark say: charging lives as generators that yield a CALL and get its answer.

The texts are prepared as far as they can be; only ids, times and registers are filled in. Every
sample set has a time of its own, since exact repeats would be dropped by a store that is worth
measuring (handbook §1.14).
"""

import time
from collections.abc import Generator

__all__ = ["Life", "boot", "charging_session", "heartbeats", "settle"]

Dialogue = Generator[tuple[bytes, bytes], bytes, None]
"""Yields (action, payload), is sent the payload of the answer."""

METER_VALUES_PER_SESSION = 6
MESSAGES_PER_SESSION = 7 + METER_VALUES_PER_SESSION

_SAMPLES = (
    b'{"value":"%d","context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register","location":"Outlet","unit":"Wh"},'
    b'{"value":"11040.0","context":"Sample.Periodic","measurand":"Power.Active.Import","unit":"W"},'
    b'{"value":"16.0","context":"Sample.Periodic","measurand":"Current.Import","phase":"L1","unit":"A"},'
    b'{"value":"16.0","context":"Sample.Periodic","measurand":"Current.Import","phase":"L2","unit":"A"},'
    b'{"value":"16.0","context":"Sample.Periodic","measurand":"Current.Import","phase":"L3","unit":"A"},'
    b'{"value":"230.1","context":"Sample.Periodic","measurand":"Voltage","phase":"L1-N","unit":"V"},'
    b'{"value":"229.8","context":"Sample.Periodic","measurand":"Voltage","phase":"L2-N","unit":"V"},'
    b'{"value":"230.4","context":"Sample.Periodic","measurand":"Voltage","phase":"L3-N","unit":"V"},'
    b'{"value":"%d","context":"Sample.Periodic","measurand":"SoC","location":"EV","unit":"Percent"},'
    b'{"value":"31.5","context":"Sample.Periodic","measurand":"Temperature","location":"Body","unit":"Celsius"}'
)
_METER_VALUES = (
    b'{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%b","sampledValue":[' + _SAMPLES + b"]}]}"
)
_STATUS = b'{"connectorId":1,"errorCode":"NoError","status":"%b","timestamp":"%b"}'


class Life:
    """What a station carries from one session to the next: its tag, its register, its clock, its record.

    `transactions` is the oracle: (transaction id, meter start, meter stop or None) of each start
    that was answered, the stop filled in once that was answered too.
    """

    def __init__(self, identity: str, id_tag: str) -> None:
        self.identity = identity
        self.id_tag = id_tag.encode()
        self.register_wh = 1000
        self.transactions: list[tuple[int, int, int | None]] = []
        self._last_ms = 0
        self._second = 0
        self._second_text = b""

    def now(self) -> bytes:
        """The time at this station, strictly growing by at least a millisecond with each call."""
        now_ms = max(self._last_ms + 1, time.time_ns() // 1_000_000)
        self._last_ms = now_ms
        second, millisecond = divmod(now_ms, 1000)
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%b.%03dZ" % (self._second_text, millisecond)


def boot(life: Life) -> Dialogue:
    """BootNotification and nothing more."""
    yield (
        b"BootNotification",
        b'{"chargePointVendor":"Bench","chargePointModel":"Model B",'
        b'"chargePointSerialNumber":"%b","firmwareVersion":"1.0.0"}' % life.identity.encode()[:25],
    )


def settle(life: Life) -> Dialogue:
    """What a station says before it falls idle: boot, status of itself and its connector, a heartbeat."""
    yield from boot(life)
    for connector in (0, 1):
        yield b"StatusNotification", b'{"connectorId":%d,"errorCode":"NoError","status":"Available"}' % connector
    yield b"Heartbeat", b"{}"


def heartbeats(_life: Life) -> Dialogue:
    """A heartbeat."""
    yield b"Heartbeat", b"{}"


def charging_session(life: Life) -> Dialogue:
    """Authorize, four statuses, StartTransaction, six times ten samples, StopTransaction: thirteen messages."""
    yield b"Authorize", b'{"idTag":"%b"}' % life.id_tag
    yield b"StatusNotification", _STATUS % (b"Preparing", life.now())
    meter_start = life.register_wh
    answer = yield (
        b"StartTransaction",
        b'{"connectorId":1,"idTag":"%b","meterStart":%d,"timestamp":"%b"}' % (life.id_tag, meter_start, life.now()),
    )
    transaction_id = _transaction_id(answer)
    life.transactions.append((transaction_id, meter_start, None))
    yield b"StatusNotification", _STATUS % (b"Charging", life.now())
    for count in range(METER_VALUES_PER_SESSION):
        life.register_wh += 184
        yield b"MeterValues", _METER_VALUES % (transaction_id, life.now(), life.register_wh, 40 + count)
    yield b"StatusNotification", _STATUS % (b"Finishing", life.now())
    meter_stop = life.register_wh = life.register_wh + 16
    yield (
        b"StopTransaction",
        b'{"idTag":"%b","meterStop":%d,"timestamp":"%b","transactionId":%d,"reason":"Local"}'
        % (life.id_tag, meter_stop, life.now(), transaction_id),
    )
    life.transactions[-1] = (transaction_id, meter_start, meter_stop)
    yield b"StatusNotification", _STATUS % (b"Available", life.now())


def _transaction_id(answer: bytes) -> int:
    """The number behind "transactionId" in a StartTransaction.conf, however it is written."""
    digits = answer.partition(b'"transactionId"')[2].lstrip(b" :")
    end = 0
    while digits[end : end + 1].isdigit():
        end += 1
    return int(digits[:end])
