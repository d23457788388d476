"""The sentences of alerts and e-mails, in English and German.

The rule that shapes this file: a sentence is made of what was stored with the alert, so it can be made again in
another language. What stations say is put in as it is, without line breaks and not too long.
"""

from collections.abc import Mapping
from typing import Any, Final

from stationmaster.domain.alerts.nouns import Alert

__all__ = ["LANGUAGES", "one_line", "sentence", "summary_of", "word"]

LANGUAGES: Final = ("en", "de")
LONGEST_VALUE: Final = 200

_SENTENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "station_offline": "{station} has been offline for more than {after_minutes} min.",
        "connector_faulted": "Connector {evse} of {station} is faulted ({error_code}{info}).",
        "station_faulted": "{station} is faulted ({error_code}{info}).",
        "local_list_conflict": "The local list of {station} contradicts what the station is answered{info}. "
        "Send it the full list.",
        "transaction_without_energy": "Transaction {transaction_id} at {station} has delivered less than "
        "{minimum_wh} Wh in {after_minutes} min.",
        "repeated_refusals": "{station} was refused at the door again and again, from {remote_address}: {detail}",
        "repeated_refusals_unknown": "Unknown stations knock again and again, such as {identity} from "
        "{remote_address}.",
        "identity_contested": "Two devices share the identity {station}. {technical_info}",
        "security_event": "Security event {type} at {station}: {technical_info}",
        "certificate_expiring": "{technical_info} ({station})",
        "configuration_drift": "{count} configuration keys of {station} are not as desired: {keys}",
        "firmware_campaign_stopped": "The firmware campaign {name} has stopped: too many updates failed.",
        "webhook_disabled": "The webhook {name} was switched off: {reason}",
        "email_undeliverable": "An e-mail to the list {recipient_name} could not be delivered: {error}",
        "database_unavailable": "The node {node_id} could not write to its database for {seconds} s, from {since}. "
        "Stations were told to repeat what they said.",
        "disk_nearly_full": "The disk of the node {node_id} is nearly full: {free_mib} of {total_mib} MiB are free.",
    },
    "de": {
        "station_offline": "{station} ist seit mehr als {after_minutes} Min. nicht verbunden.",
        "connector_faulted": "Ladepunkt {evse} von {station} ist gestört ({error_code}{info}).",
        "station_faulted": "{station} ist gestört ({error_code}{info}).",
        "local_list_conflict": "Die lokale Liste von {station} widerspricht dem, was die Station zur Antwort "
        "bekommt{info}. Senden Sie ihr die ganze Liste.",
        "transaction_without_energy": "Ladevorgang {transaction_id} an {station} hat in {after_minutes} Min. weniger "
        "als {minimum_wh} Wh geliefert.",
        "repeated_refusals": "{station} wurde wiederholt abgewiesen, von {remote_address}: {detail}",
        "repeated_refusals_unknown": "Unbekannte Stationen melden sich wiederholt, etwa {identity} von "
        "{remote_address}.",
        "identity_contested": "Zwei Geräte benutzen die Kennung {station}. {technical_info}",
        "security_event": "Sicherheitsereignis {type} an {station}: {technical_info}",
        "certificate_expiring": "Ein Zertifikat läuft bald ab ({station}). {technical_info}",
        "configuration_drift": "{count} Konfigurationsschlüssel von {station} sind nicht wie gewünscht: {keys}",
        "firmware_campaign_stopped": "Die Firmware-Kampagne {name} wurde angehalten: zu viele Fehlschläge.",
        "webhook_disabled": "Der Webhook {name} wurde abgeschaltet: {reason}",
        "email_undeliverable": "Eine E-Mail an die Liste {recipient_name} war nicht zustellbar: {error}",
        "database_unavailable": "Der Knoten {node_id} konnte {seconds} s lang nicht in seine Datenbank schreiben, ab "
        "{since}. Stationen müssen wiederholen, was sie sagten.",
        "disk_nearly_full": "Die Platte des Knotens {node_id} ist fast voll: {free_mib} von {total_mib} MiB sind frei.",
    },
}

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "info": "info",
        "warning": "warning",
        "critical": "critical",
        "raised": "New",
        "cleared": "Cleared",
        "alerts": "{count} alerts",
        "more": "… and {count} more",
        "by_kind": "By kind",
        "sites": "site {site}",
        "see": "All alerts: {url}",
        "why": "You get this since your address is in the list “{name}” of {organisation}.",
        "test_subject": "Test",
        "test": "This is a test. Alerts of {organisation} will reach the list “{name}” like this.",
    },
    "de": {
        "info": "Hinweis",
        "warning": "Warnung",
        "critical": "kritisch",
        "raised": "Neu",
        "cleared": "Beendet",
        "alerts": "{count} Meldungen",
        "more": "… und {count} weitere",
        "by_kind": "Nach Art",
        "sites": "Standort {site}",
        "see": "Alle Meldungen: {url}",
        "why": "Sie erhalten dies, weil Ihre Adresse in der Liste „{name}“ von {organisation} steht.",
        "test_subject": "Test",
        "test": "Dies ist ein Test. So erreichen Meldungen von {organisation} die Liste „{name}“.",
    },
}


class _Values(dict[str, str]):
    """What a sentence does not find is left open."""

    def __missing__(self, key: str) -> str:
        return "-"


def one_line(value: Any, longest: int = LONGEST_VALUE) -> str:
    """A value as text of one line, without control characters, cut where it is too long."""
    text = "".join(character if character.isprintable() else " " for character in str(value)).strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def sentence(kind: str, details: Mapping[str, Any], station_id: str, evse_id: int | None, language: str) -> str:
    """What an alert says."""
    name = details.get("station_name")
    station = f"{station_id} ({one_line(name, 80)})" if name else station_id
    values = _Values({key: one_line(value) for key, value in details.items() if value not in (None, "")})
    values |= {"station": one_line(station) or "-", "evse": str(evse_id)}
    values["info"] = f", {values['info']}" if "info" in values else ""
    if kind == "connector_faulted" and not evse_id:
        kind = "station_faulted"
    if kind == "repeated_refusals" and not station_id:
        kind = "repeated_refusals_unknown"
    template = _SENTENCES[language].get(kind)
    return values["message"] if template is None else template.format_map(values)


def summary_of(alert: Alert, language: str) -> str:
    """The sentence of an alert that is stored."""
    if language == "en":
        return alert.summary
    return sentence(alert.kind, alert.facts, alert.station_id, alert.evse_id, language)


def word(name: str, language: str, /, **values: Any) -> str:
    """A word or a phrase of an e-mail."""
    return _WORDS[language][name].format_map(_Values({key: one_line(value) for key, value in values.items()}))
