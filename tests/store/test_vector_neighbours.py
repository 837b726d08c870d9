"""Memories that look alike are found by pgvector where it can, just as they would be by hand."""

import json
import math
import random
from collections.abc import Sequence
from itertools import permutations

import pytest
import sqlalchemy as sa
from databases import name_of, sql
from remembering import MEMORIES, NOVA, add_memory, make_table

from llm_maint.domain.entity import Entity
from llm_maint.store import neighbours as near
from llm_maint.store.database import Database
from llm_maint.store.user_tables import user_table

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

SIZE, THRESHOLD = 8, 0.8

Vectors = dict[str, list[float]]
Pairs = dict[tuple[str, str], float]


def _some(count: int, *, seed: int, themes: int = 12) -> Vectors:
    """Return vectors around some themes, so that most are like a few others."""
    chance = random.Random(seed)
    middles = [[chance.gauss(0, 1) for _ in range(SIZE)] for _ in range(themes)]
    return {
        f"m{number}": [each + chance.gauss(0, 0.25) for each in middles[number % themes]]
        for number in range(count)
    }


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))


def _by_hand(found: Vectors, ids: Sequence[str], *, neighbours: int) -> Pairs:
    pairs: Pairs = {}
    for one in ids:
        near = sorted(((_cosine(found[one], v), i) for i, v in found.items() if i != one))[::-1]
        pairs.update({(one, i): cosine for cosine, i in near[:neighbours] if cosine >= THRESHOLD})
    return pairs


def _nearest(
    database: Database, ids: Sequence[str], entity: Entity = NOVA, *, neighbours: int = 5
) -> Pairs | None:
    with database.read() as connection:
        found = near.nearest_in_database(
            connection, entity, ids, threshold=THRESHOLD, neighbours=neighbours
        )
    if found is None:
        return None
    assert len({(one, other) for one, other, _ in found}) == len(found)
    return {(one, other): cosine for one, other, cosine in found}


def _fill(database: Database, found: Vectors, bot_id: str = "nova") -> None:
    with database.write() as connection:
        kind = user_table(connection, MEMORIES).columns["embedding"].type
        insertion = sa.text(
            f"INSERT INTO {MEMORIES} (bot_id, id, content, embedding) "
            f"VALUES (:bot, :id, 'a memory', CAST(:vector AS {kind}))"
        )
        rows = [{"bot": bot_id, "id": i, "vector": json.dumps(v)} for i, v in found.items()]
        connection.execute(insertion, rows)


def _close(found: Pairs | None, expected: Pairs) -> None:
    assert found is not None
    assert found.keys() == expected.keys()
    assert len(expected) > 0
    assert found == pytest.approx(expected, abs=2e-3)


@pytest.fixture
def vectored(database: Database) -> Database:
    """Return a database with pgvector and memories that have vectors of one length."""
    sql(database, "CREATE EXTENSION vector")
    make_table(database, id="varchar(36)", embedding=f"vector({SIZE})")
    return database


@ONLY_POSTGRESQL
@pytest.mark.parametrize("kind", [f"vector({SIZE})", f"halfvec({SIZE})"])
def test_neighbours_are_those_of_the_exact_cosine(vectored: Database, kind: str) -> None:
    """Of each id the nearest so many, as far as they are alike enough; itself is none of them."""
    make_table(vectored, embedding=kind)
    found = _some(60, seed=1)
    _fill(vectored, found)
    add_memory(vectored, id="without", embedding=None)
    ids = [*found][:20]
    for neighbours in (1, 3, 10):
        _close(
            _nearest(vectored, [*ids, "without", "none"], neighbours=neighbours),
            _by_hand(found, ids, neighbours=neighbours),
        )
    assert _nearest(vectored, []) == {}


@ONLY_POSTGRESQL
def test_neighbours_are_of_the_same_bot_alone(vectored: Database) -> None:
    """Another's memories are neither compared nor counted, be they the very same."""
    found, others = _some(40, seed=2), _some(400, seed=2)
    _fill(vectored, found)
    _fill(vectored, others, "max")
    _close(_nearest(vectored, [*found]), _by_hand(found, [*found], neighbours=5))
    everyone = Entity.remembering("max")
    ids = [*others][:30]
    _close(_nearest(vectored, ids, everyone), _by_hand(others, ids, neighbours=5))


@ONLY_POSTGRESQL
def test_an_index_finds_the_neighbours_among_those_of_many_bots(vectored: Database) -> None:
    """By HNSW too, where the nearest of all are another bot's: it looks on."""
    found = _some(60, seed=3, themes=6)
    _fill(vectored, found)
    for number in range(5):
        _fill(vectored, _some(500, seed=3, themes=6), f"other {number}")
    sql(vectored, f"CREATE INDEX ON {MEMORIES} USING hnsw (embedding vector_cosine_ops)")
    sql(vectored, f"ANALYZE {MEMORIES}")
    name = vectored.engine.url.database
    sql(vectored, f'ALTER DATABASE "{name}" SET enable_seqscan = off')
    sql(vectored, f'ALTER DATABASE "{name}" SET enable_sort = off')
    vectored.engine.dispose()
    expected = _by_hand(found, [*found], neighbours=5)
    nearest = _nearest(vectored, [*found])
    assert nearest is not None
    assert {i for pair in nearest for i in pair} <= found.keys()
    assert len(nearest.keys() & expected.keys()) >= 0.9 * len(expected)


@ONLY_POSTGRESQL
def test_copies_are_neighbours(vectored: Database) -> None:
    """More of them than are looked at: each has as many as that, and itself is none."""
    found = {f"m{number}": [1.0] * SIZE for number in range(12)}
    _fill(vectored, found)
    nearest = _nearest(vectored, [*found], neighbours=3)
    assert nearest is not None
    assert nearest.keys() <= set(permutations(found, 2))
    assert {one for one, _ in nearest} == found.keys()


@ONLY_POSTGRESQL
def test_a_vector_of_noughts_is_like_no_other(vectored: Database) -> None:
    """It has no direction; it is no neighbour, and hides none."""
    _fill(vectored, {"m1": [0.0] * SIZE, "m2": [1.0] * SIZE, "m3": [1.0] * SIZE})
    assert _nearest(vectored, ["m1", "m2", "m3"]) == {("m2", "m3"): 1.0, ("m3", "m2"): 1.0}


@ONLY_POSTGRESQL
def test_more_ids_than_one_statement_names(vectored: Database) -> None:
    """They are looked up in as many as it takes."""
    found = {f"m{number}": [1.0, *([0.0] * (SIZE - 1))] for number in range(2)}
    _fill(vectored, found)
    many = [*(f"x{number}" for number in range(1_100)), *found]
    assert _nearest(vectored, many) == {("m0", "m1"): 1.0, ("m1", "m0"): 1.0}


@ONLY_POSTGRESQL
@pytest.mark.parametrize("schema", ["extensions", "Odd one"])
@pytest.mark.parametrize("on_path", [True, False])
def test_an_extension_in_a_schema_of_its_own(
    database: Database, database_url: str, schema: str, *, on_path: bool
) -> None:
    """Its operator is found where its type is."""
    sql(database, f'CREATE SCHEMA "{schema}"')
    sql(database, f'CREATE EXTENSION vector SCHEMA "{schema}"')
    if on_path:
        sql(
            database, f'ALTER DATABASE {name_of(database_url)} SET search_path = public, "{schema}"'
        )
        database.engine.dispose()
    make_table(database, embedding=f'"{schema}".vector({SIZE})')
    found = _some(30, seed=4)
    _fill(database, found)
    _close(_nearest(database, [*found]), _by_hand(found, [*found], neighbours=5))


@ONLY_POSTGRESQL
def test_an_older_extension_that_knows_no_such_setting(
    vectored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting that it refuses is done without, and the transaction goes on."""
    found = _some(30, seed=5)
    _fill(vectored, found)
    monkeypatch.setattr(near, "INDEX_SETTINGS", {"hnsw.of_tomorrow": "on"})
    for _ in range(2):  # before and after the server has loaded the extension
        _close(_nearest(vectored, [*found]), _by_hand(found, [*found], neighbours=5))


@ONLY_POSTGRESQL
def test_bots_that_are_named_by_uuid(vectored: Database) -> None:
    """They are compared as such."""
    bot = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    make_table(vectored, bot_id="uuid", embedding=f"vector({SIZE})")
    for number in (1, 2):
        add_memory(vectored, id=f"m{number}", bot_id=bot, embedding=json.dumps([1.0] * SIZE))
    assert _nearest(vectored, ["m1"], Entity.remembering(bot)) == {("m1", "m2"): 1.0}


@ONLY_POSTGRESQL
@pytest.mark.parametrize("kind", ["vector", "halfvec", "real[]", "json", "text"])
def test_a_column_of_which_the_database_cannot_say(vectored: Database, kind: str) -> None:
    """Vectors of any length may be of two models; others are none that it compares."""
    make_table(vectored, embedding=kind)
    assert _nearest(vectored, ["m1"]) is None


def test_a_database_without_vectors_cannot_say(database: Database) -> None:
    """Neither on SQLite nor without the extension, nor without the column."""
    assert _nearest(database, ["m1"]) is None
    make_table(database)
    assert _nearest(database, ["m1"]) is None
