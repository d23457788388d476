"""The audit log, proved; and nothing secret in it."""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest

from stationmaster.domain.audit import ChainHead
from stationmaster.services.audit import Proof
from tests.services.node import ORGANISATION, Node, open_node

SECRET = "c4n4ry-6f1e5d-secret"


async def proved(node: Node, *expected: ChainHead) -> list[Proof]:
    return await node.services.audit.prove(expected=expected)


async def test_a_log_that_nobody_touched_is_whole(node: Node) -> None:
    assert await proved(node) == []
    for number in range(5):
        await node.services.audit.record(ORGANISATION, "user:anna", f"did {number}")
        await node.services.audit.record("o2", "user:ben", "did")
    proofs = await proved(node)
    assert [(proof.head.organisation_id, proof.head.length, proof.flaws) for proof in proofs] == [
        ("default", 5, ()),
        ("o2", 5, ()),
    ]
    assert [proof.head.length for proof in await node.services.audit.prove("o2")] == [5]
    assert await node.services.audit.tell_heads(0) == 2


@pytest.mark.parametrize(
    ("damage", "sequence"),
    [
        ("UPDATE audit_entry SET actor = 'user:somebody' WHERE sequence = 3", 3),
        ("UPDATE audit_entry SET details = '{}' WHERE sequence = 3", 3),
        ("DELETE FROM audit_entry WHERE sequence = 3", 4),
        ("DELETE FROM audit_entry WHERE sequence = 1", 2),
        ("DELETE FROM audit_entry WHERE sequence >= 4", 5),
        ("DELETE FROM audit_chain", 0),
        ("DELETE FROM audit_entry", 5),
    ],
)
async def test_whoever_has_the_database_cannot_hide_what_they_did(sqlite_url: str, damage: str, sequence: int) -> None:
    async with open_node(sqlite_url) as node:
        for number in range(5):
            await node.services.audit.record(ORGANISATION, "user:anna", "did", details={"number": number})
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database, database:
        database.execute("DROP TRIGGER audit_entry_no_update")
        database.execute("DROP TRIGGER audit_entry_no_delete")
        database.execute(damage)
    async with open_node(sqlite_url) as node:
        proofs = await proved(node)
        if damage == "DELETE FROM audit_chain":
            assert proofs[0].head.length == 0
            proofs = await proved(node, ChainHead(ORGANISATION, 5, "written down"))
        assert [flaw.sequence for proof in proofs for flaw in proof.flaws][:1] == [sequence or 5]


async def test_what_was_cut_off_shows_against_a_head_that_was_written_down(node: Node) -> None:
    await node.services.audit.record(ORGANISATION, "user:anna", "did")
    (proof,) = await proved(node)
    await node.services.audit.record(ORGANISATION, "user:anna", "more")
    assert (await proved(node, proof.head))[0].flaws == (), "it has grown since"
    (later,) = await proved(node)
    for wrong, words in (
        (ChainHead(ORGANISATION, 1, "f" * 64), "not the entry"),
        (ChainHead(ORGANISATION, 9, later.head.hash), "is missing"),
        (ChainHead("gone", 1, later.head.hash), "is missing"),
    ):
        flaws = [flaw.words for each in await proved(node, wrong) for flaw in each.flaws]
        assert len(flaws) == 1
        assert words in flaws[0]


async def test_proving_does_not_mind_what_is_added_meanwhile(node: Node) -> None:
    async def add() -> None:
        for _ in range(50):
            await node.services.audit.record(ORGANISATION, "user:anna", "did")

    adding = asyncio.create_task(add())
    while not adding.done():
        assert all(not proof.flaws for proof in await proved(node))
    await adding


async def test_nothing_secret_gets_in(node: Node) -> None:
    await node.services.audit.record(
        ORGANISATION,
        "user:anna",
        "did",
        details={
            "password": SECRET,
            "body": {"new_password": SECRET, "client_secret": SECRET, "totp_code": SECRET, "note": "seen"},
            "location": f"ftp://user:{SECRET}@files.example/x",
            "header": f"Bearer {SECRET}",
            "list": [{"private_key": SECRET}],
            "text": f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}\n-----END EC PRIVATE KEY-----",
        },
    )
    (entry,) = (await node.storage.audit.find(ORGANISATION)).items
    assert "seen" in entry.details
    assert SECRET not in entry.details


async def test_details_are_bounded(node: Node) -> None:
    await node.services.audit.record(ORGANISATION, "a", "long text", details={"note": "x" * 100_000})
    await node.services.audit.record(ORGANISATION, "a", "many", details={f"n{n}": "y" * 400 for n in range(1000)})
    for entry in (await node.storage.audit.find(ORGANISATION)).items:
        assert len(entry.details) <= 4_000
        assert json.loads(entry.details)
    assert [proof.flaws for proof in await proved(node)] == [()]
