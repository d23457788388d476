"""How a message class becomes a shape; what shapes do is told in `test_leniency` and `test_reading`."""

import pytest

from stationmaster.ocpp.fields import Message
from stationmaster.ocpp.shapes import shape_of
from stationmaster.ocpp.v16 import V16


def test_every_message_has_a_shape_with_its_fields_in_order() -> None:
    for row in V16.actions.values():
        for message in (row.request, row.response):
            assert tuple(field.name for field in shape_of(message).fields) == message.__struct_fields__


class Unheard(Message, frozen=True):
    """A message with a field of a type that OCPP does not have."""

    picture: bytes


def test_a_field_that_no_shape_reads_is_found_when_the_table_is_built() -> None:
    with pytest.raises(TypeError, match="no shape for"):
        shape_of(Unheard)


def test_only_messages_have_shapes() -> None:
    with pytest.raises(TypeError, match="is not a message"):
        shape_of(int)
