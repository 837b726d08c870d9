"""Profiles read in place: entities, rows, summaries, and what was judged."""

import pytest
from building import MORNING, NICK, day
from databases import add_profile, add_row, sql

from llm_maint.domain.entity import Entity
from llm_maint.domain.judged import fingerprint
from llm_maint.errors import DataError, UnknownNameError
from llm_maint.store import judgements, profiles
from llm_maint.store.database import Database

NOVA = Entity("bot", "nova")


def test_entities_are_counted_with_their_latest_update(database: Database) -> None:
    """An entity has attributes, a profile, or both; a user and a bot of one name are two."""
    add_row(database, "a", '"x"', updated_at="2026-01-03 10:00:00")
    add_row(database, "b", '"x"', updated_at="2026-01-04 10:00:00.250000")
    add_row(database, "a", '"x"', entity_type="BOT", updated_at=None)
    add_profile(database)
    add_profile(database, entity_id="zoe")
    with database.read() as connection:
        counted = profiles.entities(connection)
    assert [(each.entity, each.attributes) for each in counted] == [
        (Entity("bot", "nick"), 1),
        (NICK, 2),
        (Entity("user", "zoe"), 0),
    ]
    assert [each.updated_at for each in counted] == [
        None,
        day(1).replace(microsecond=250_000),
        None,
    ]


def test_an_empty_database_has_no_entities(database: Database) -> None:
    """Nothing is nobody."""
    with database.read() as connection:
        assert profiles.entities(connection) == []


def test_an_unknown_entity_is_answered_with_the_nearest(database: Database) -> None:
    """A known one is returned; a slip of the hand is met with the name that was meant."""
    add_row(database, "a", '"x"')
    add_profile(database, entity_type="BOT", entity_id="nova")
    with database.read() as connection:
        assert profiles.known_entity(connection, NICK) == NICK
        assert profiles.known_entity(connection, NOVA) == NOVA
        with pytest.raises(UnknownNameError, match="did you mean 'nick'"):
            profiles.known_entity(connection, Entity("user", "nik"))
        with pytest.raises(UnknownNameError, match="did you mean 'bot nova'"):
            profiles.known_entity(connection, Entity("user", "nova"))


def test_the_rows_of_an_entity_come_in_the_order_of_their_ids(database: Database) -> None:
    """Ten rows are in numerical order, and the rows of others are not among them."""
    add_row(database, "other", '"x"', entity_id="zoe")
    ids = [add_row(database, f"key_{number}", '"x"') for number in range(11)]
    add_row(database, "other", '"x"', entity_type="BOT")
    with database.read() as connection:
        assert [row.id for row in profiles.attributes_of(connection, NICK)] == ids


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"blue"', "blue"),
        ("null", None),
        (None, None),
        ("1.10", 1.1),
        ("true", True),
        ('["a", {"b": null}]', ["a", {"b": None}]),
        ('{"a": 1e2}', {"a": 100.0}),
    ],
)
def test_a_value_is_any_json(database: Database, text: str | None, value: object) -> None:
    """Values are parsed to be judged, and kept as their exact text to be put back."""
    add_row(database, "key", text)
    with database.read() as connection:
        (row,) = profiles.attributes_of(connection, NICK)
    assert row.value == value
    assert row.image["value"] == text


def test_times_without_a_zone_are_utc(database: Database) -> None:
    """A row is read with aware times, whatever the session's zone."""
    add_row(database, "key", '"x"', created_at="2026-01-03 10:00:00", updated_at=None)
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL TimeZone = 'Asia/Kolkata'")
        (row,) = profiles.attributes_of(connection, NICK)
    assert (row.created_at, row.updated_at) == (MORNING, None)


def test_a_time_that_is_none_names_its_row(database: Database) -> None:
    """A column that holds no time is an error that says where."""
    bad = "infinity"
    row_id = add_row(database, "key", '"x"', updated_at=bad)
    with (
        database.read() as connection,
        pytest.raises(DataError, match=f"attribute {row_id}: updated_at: 'infinity'"),
    ):
        profiles.attributes_of(connection, NICK)


def test_a_profile_is_read_with_what_may_be_written(database: Database) -> None:
    """The head of a profile is its name and summary; nobody's is None."""
    add_profile(
        database,
        display_name="Nick",
        email="n@example.org",
        summary="likes blue",
        summary_updated_at="2026-01-03 10:00:00",
    )
    with database.read() as connection:
        head = profiles.head_of(connection, NICK)
        assert profiles.head_of(connection, NOVA) is None
    assert head is not None
    assert (head.display_name, head.summary, head.summary_updated_at) == (
        "Nick",
        "likes blue",
        MORNING,
    )
    assert set(head.image) == {"id", "summary", "summary_updated_at"}


def test_what_was_judged_last_is_remembered(database: Database) -> None:
    """One fingerprint for each entity, the latest."""
    add_row(database, "key", '"x"')
    for judge in ("first", "second"):
        with database.write() as connection:
            rows = profiles.attributes_of(connection, NICK)
            judgements.remember_judged(connection, NICK, rows, judge=judge, now=MORNING)
    with database.read() as connection:
        assert judgements.judged_fingerprint(connection, NICK) == fingerprint(rows, judge="second")
        assert judgements.judged_fingerprint(connection, NOVA) is None
    assert len(sql(database, "SELECT 1 FROM maintenance_profile_states")) == 1
