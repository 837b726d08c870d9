"""Which memories look alike: by their own vectors, by those of a server, or else by their words."""

import logging
from dataclasses import replace

import pytest
from building import day
from consolidating import ScriptedModel
from databases import dump, is_sqlite, sql
from recollecting import (
    MEMORIES,
    column_of,
    merging,
    recalled,
    remember,
    remember_all,
    remembering,
    seen,
    texts,
    values_asked,
    vector_of,
)

from llm_maint import likeness
from llm_maint.domain.settlement import exit_code_of
from llm_maint.errors import ExitCode, ModelReplyError, ModelUnavailableError, UnknownModelError
from llm_maint.jobs.memory_consolidation import JOB
from llm_maint.store import vectors
from llm_maint.store.database import Database

EMBEDS = {"embedding_model": "e"}

SEA, OCEAN, BREAD = "Loves swimming in the sea", "Enjoys ocean baths", "Bakes bread"

LOOKS = {SEA: (1.0, 0.0, 0.1), OCEAN: (1.0, 0.0, 0.0), BREAD: (0.0, 1.0, 0.0)}


def _embedding(text: str) -> bytes:
    return vector_of(*LOOKS.get(text, (0.0, 0.0, 1.0)))


def _model() -> ScriptedModel:
    return ScriptedModel(seen, vector=_embedding)


def _own(database: Database, *contents: str) -> list[str]:
    """Insert memories with vectors of the assistant's own."""
    return [
        remember(database, each, embedding=column_of(database, *LOOKS[each])) for each in contents
    ]


def test_own_vectors_say_what_looks_alike(database: Database) -> None:
    """Two that share no word travel, if their vectors are near enough; nothing is embedded."""
    _own(database, SEA, OCEAN, BREAD)
    model = _model()
    recalled(remembering(database, model, **EMBEDS))
    assert values_asked(model) == [sorted([SEA, OCEAN])]
    assert model.embedded == []


@pytest.mark.parametrize(("threshold", "travel"), [(0.99, True), (0.999, False)])
def test_how_near_is_a_setting(database: Database, threshold: float, travel: bool) -> None:  # noqa: FBT001 a case's result
    """The cosine of these two is 0.995."""
    _own(database, SEA, OCEAN)
    model = _model()
    recalled(remembering(database, model, similarity_threshold=threshold))
    assert bool(model.asked) is travel


def test_only_memories_without_a_vector_are_embedded_and_once(database: Database) -> None:
    """What the server made is kept in a table of ours; the assistant's own is not written."""
    _own(database, SEA, BREAD)
    remember(database, OCEAN)
    before = dump(database, MEMORIES)
    model = _model()
    recalled(remembering(database, model, **EMBEDS))
    assert model.embedded == [OCEAN]
    assert values_asked(model) == [sorted([SEA, OCEAN])]
    assert dump(database, MEMORIES) == before
    kept = sql(database, "SELECT bot_id, row_id, model FROM maintenance_memory_vectors")
    assert kept == [("nova", "m3", "e")]
    remember(database, "Grows dill")
    recalled(remembering(database, model, **EMBEDS))
    assert model.embedded == [OCEAN, "Grows dill"]


def test_a_changed_text_is_embedded_anew(database: Database) -> None:
    """A vector is of a text; there is one for each memory."""
    remember_all(database, OCEAN, BREAD)
    model = _model()
    recalled(remembering(database, model, **EMBEDS))
    sql(database, "UPDATE memories SET content = :text WHERE id = 'm1'", text=SEA)
    recalled(remembering(database, model, **EMBEDS))
    assert sorted(model.embedded) == sorted([OCEAN, BREAD, SEA])
    assert sql(database, "SELECT count(*) FROM maintenance_memory_vectors") == [(2,)]


def test_another_model_of_embeddings_begins_anew(database: Database) -> None:
    """Vectors of two models are not comparable, though they may be of one length."""
    remember_all(database, OCEAN)
    model = _model()
    recalled(remembering(database, model, **EMBEDS))
    remember(database, SEA)
    recalled(remembering(database, model, embedding_model="f"))
    assert sorted(model.embedded) == sorted([OCEAN, OCEAN, SEA])
    assert values_asked(model) == [sorted([SEA, OCEAN])]


def test_without_embeddings_words_are_compared_and_the_report_says_so(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The bot is consolidated all the same, and cron has nothing to mail."""
    remember_all(database, "Plays chess on Tuesdays", "Plays chess on Tuesdays at the club", SEA)
    model = ScriptedModel(seen)
    with caplog.at_level(logging.WARNING):
        done = recalled(remembering(database, model, **EMBEDS))
    assert done.wrong == []
    assert len(model.asked) == 1
    assert caplog.messages == []
    (told,) = done.whole.plan.advice
    assert "compared by their words" in told
    assert "memory.embedding_model" in told


def test_texts_that_the_server_refuses_are_compared_by_their_words(
    database: Database,
) -> None:
    """What was made before is kept and used."""

    def refusing(_text: str) -> bytes:
        raise ModelReplyError("too much")

    remember_all(database, "Plays chess on Tuesdays", "Plays chess on Tuesdays at the club")
    model = ScriptedModel(seen, vector=refusing)
    done = recalled(remembering(database, model, **EMBEDS))
    assert len(model.asked) == 1
    assert "too much" in done.whole.plan.advice[0]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelUnavailableError("it is gone"), ExitCode.UNAVAILABLE),
        (UnknownModelError("no model e"), ExitCode.CONFIGURATION),
    ],
)
def test_a_server_that_is_gone_fails_the_bot(
    database: Database, error: Exception, code: ExitCode
) -> None:
    """Words are no way around it: it would not answer either."""

    def broken(_text: str) -> bytes:
        raise error

    remember_all(database, SEA, OCEAN)
    before = dump(database, MEMORIES)
    model = ScriptedModel(seen, vector=broken)
    outcome = JOB.run(remembering(database, model, **EMBEDS))
    assert exit_code_of(outcome) is code
    assert model.asked == []
    assert dump(database, MEMORIES) == before


def test_no_words_are_embedded_unless_a_model_is_named(database: Database) -> None:
    """It costs, so it is asked for."""
    remember_all(database, SEA, OCEAN)
    model = _model()
    recalled(remembering(database, model))
    assert (model.embedded, model.asked) == ([], [])


def test_without_a_model_nothing_is_embedded(database: Database) -> None:
    """There is nobody whom look-alikes could be shown to."""
    remember_all(database, SEA, OCEAN)
    recalled(remembering(database, None, **EMBEDS))
    assert sql(database, "SELECT count(*) FROM maintenance_memory_vectors") == [(0,)]


def test_a_dry_run_keeps_no_vector(database: Database) -> None:
    """It asks for them, for it must tell what the real run would do."""
    remember_all(database, SEA, OCEAN)
    before = dump(database)
    model = _model()
    recalled(replace(remembering(database, model, **EMBEDS), dry_run=True))
    assert model.embedded == [SEA, OCEAN]
    assert values_asked(model) == [sorted([SEA, OCEAN])]
    assert dump(database) == before


def test_vectors_of_two_lengths_are_not_compared(database: Database) -> None:
    """They are of two models: only those of one length are near or far from each other."""
    remember(database, SEA, embedding=column_of(database, 1.0, 0.0))
    remember(database, OCEAN, embedding=column_of(database, 1.0, 0.0))
    remember(database, BREAD, embedding=column_of(database, 1.0, 0.0, 0.0))
    remember(database, "Grows dill", embedding=column_of(database, 1.0, 0.0, 0.0, 0.0))
    model = _model()
    recalled(remembering(database, model))
    assert values_asked(model) == [sorted([SEA, OCEAN])]


def test_a_vector_that_cannot_be_read_is_none(database: Database) -> None:
    """Nothing looks like one of zeros or of what is no number; the bot is not lost for it."""
    remember(database, SEA, embedding=column_of(database, 0.0, 0.0))
    remember(database, OCEAN, embedding=column_of(database, 0.0, 0.0))
    if is_sqlite(database):
        remember(database, BREAD, embedding=b"abc")
        remember(database, "Bakes bread daily", embedding="no list")
    model = _model()
    assert recalled(remembering(database, model)).wrong == []
    assert SEA not in [value for asked in values_asked(model) for value in asked]


def test_texts_are_embedded_in_parts_that_are_kept_one_by_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends a run, the next does not pay for them again."""
    monkeypatch.setattr(likeness, "TEXTS", 2)
    said = [f"Grew {name}" for name in ("dill", "kale", "mint", "okra", "peas")]
    remember_all(database, *said)
    job = remembering(database, model := _model(), max_calls_per_run=2, embedding_model="e")
    outcome = JOB.run(job)
    assert exit_code_of(outcome) is ExitCode.OK
    assert model.embedded == said[:4]
    JOB.run(job)
    assert model.embedded == said


def test_a_budget_counts_requests_of_both_kinds(database: Database) -> None:
    """A request for vectors is one as any other."""
    remember_all(database, SEA, OCEAN)
    model = _model()
    recalled(remembering(database, model, max_calls_per_run=1, **EMBEDS))
    assert (model.embedded, model.asked) == ([SEA, OCEAN], [])
    recalled(remembering(database, model, max_calls_per_run=1, **EMBEDS))
    assert (model.embedded, len(model.asked)) == ([SEA, OCEAN], 1)


def test_vectors_of_memories_that_are_gone_are_forgotten(database: Database) -> None:
    """What is merged away leaves none behind for ever."""
    remember_all(database, "Swims", "Swims in the sea")
    model = merging(["Swims", "Swims in the sea"])
    model.vector = _embedding
    recalled(remembering(database, model, **EMBEDS))
    assert texts(database) == {"m2": "Swims in the sea"}
    assert sql(database, "SELECT row_id FROM maintenance_memory_vectors") == [("m2",)]


def test_a_new_memory_without_a_vector_is_compared_by_its_words(database: Database) -> None:
    """With all others, those with a vector too."""
    remember(database, "Plays chess on Tuesdays", embedding=column_of(database, 1, 0))
    remember(database, "Plays chess on Tuesdays at the club", updated_at=day(1))
    model = _model()
    recalled(remembering(database, model))
    assert len(model.asked) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_of_few_new_memories_the_database_finds_the_neighbours(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its vectors have one length, no other vector is fetched for them."""
    sql(database, "CREATE EXTENSION IF NOT EXISTS vector")
    sql(database, f"ALTER TABLE {MEMORIES} ALTER COLUMN embedding TYPE vector(3)")
    monkeypatch.setattr(vectors, "own_vectors", None)
    for text in (SEA, OCEAN, BREAD):
        remember(database, text, embedding=str(list(LOOKS[text])))
    model = _model()
    recalled(remembering(database, model))
    assert values_asked(model) == [sorted([SEA, OCEAN])]
