"""How a message class becomes a shape; what shapes do is told in `test_leniency` and `test_reading`."""

import pytest

from stationmaster.ocpp.fields import Integer, Maybe, Message
from stationmaster.ocpp.shapes import shape_of
from stationmaster.ocpp.v16 import V16
from stationmaster.ocpp.walk import Mode, Walk


def test_every_message_has_a_shape_with_its_fields_in_order() -> None:
    for row in V16.actions.values():
        for message in (row.request, row.response):
            assert tuple(field.name for field in shape_of(message).fields) == message.__struct_fields__


class Leaf(Message, frozen=True, kw_only=True):
    """Cannot be read without its number."""

    number: Integer


class Tree(Message, frozen=True, kw_only=True):
    """Leaves that may be given up."""

    leaves: Maybe[tuple[Leaf, ...]] = None
    leaf: Maybe[Leaf] = None
    top: Maybe[Leaf] = None


def test_the_path_is_right_after_a_value_was_given_up_deep_inside() -> None:
    walk = Walk(Mode.TRANSACTION)
    bad: dict[str, object] = {"number": "none"}

    tree = shape_of(Tree).read({"leaves": [{"number": 1}, bad, bad], "leaf": bad, "top": 7}, walk)

    assert tree == Tree(leaves=(Leaf(number=1),))
    assert [oddity.path for oddity in walk.oddities] == ["leaves[1]", "leaves[2]", "leaf", "top"]


class Unheard(Message, frozen=True):
    """A message with a field of a type that OCPP does not have."""

    picture: bytes


def test_a_field_that_no_shape_reads_is_found_when_the_table_is_built() -> None:
    with pytest.raises(TypeError, match="no shape for"):
        shape_of(Unheard)


def test_only_messages_have_shapes() -> None:
    with pytest.raises(TypeError, match="is not a message"):
        shape_of(int)
