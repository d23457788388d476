"""Error codes: what we send and what we understand (handbook 1.8)."""

import pytest

from stationmaster.ocpp.errors import ErrorCode, OcppError, parse_error_code


def test_two_codes_keep_the_spelling_of_1_6() -> None:
    assert ErrorCode.FORMATION_VIOLATION.value == "FormationViolation"
    assert ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION.value == "OccurenceConstraintViolation"


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_we_send_is_one_we_understand(code: ErrorCode) -> None:
    assert parse_error_code(code.value) is code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FormatViolation", ErrorCode.FORMATION_VIOLATION),
        ("OccurrenceConstraintViolation", ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION),
        (" NotImplemented ", ErrorCode.NOT_IMPLEMENTED),
        ("RpcFrameworkError", ErrorCode.GENERIC_ERROR),
        ("notimplemented", ErrorCode.GENERIC_ERROR),
        ("", ErrorCode.GENERIC_ERROR),
        ("Kaputt", ErrorCode.GENERIC_ERROR),
    ],
)
def test_other_spellings_are_understood_and_the_rest_is_generic(text: str, code: ErrorCode) -> None:
    assert parse_error_code(text) is code


def test_an_error_reads_as_a_sentence() -> None:
    error = OcppError(ErrorCode.PROTOCOL_ERROR, "idTag is missing", {"field": "idTag"})

    assert str(error) == "ProtocolError: idTag is missing"
    assert error.field == "idTag"
    assert str(OcppError(ErrorCode.INTERNAL_ERROR)) == "InternalError"
    assert OcppError(ErrorCode.INTERNAL_ERROR).field == ""
