"""What people change by hand, `profile set`, `unset` and `pin`: journalled, undoable, explained."""

import json
from typing import Any

import pytest
from command import Command, ids_by_key, reply, row
from model_server import ModelServer

NICK = ("--entity", "nick")


def _at(command: Command, key: str) -> list[dict[str, Any]]:
    return [row for row in command.export() if row["key"] == key]


@pytest.mark.parametrize(
    ("flag", "given", "value"),
    [
        ("--value", "green", "green"),
        ("--value", "12", "12"),
        ("--value", "", ""),
        ("--json-value", "12", 12),
        ("--json-value", "null", None),
        ("--json-value", '{"a": [1.50, "é\u2028"]}', {"a": [1.5, "é\u2028"]}),
    ],
)
def test_set_gives_a_row_another_value(
    command: Command, flag: str, given: str, value: object
) -> None:
    """Its id and key stay, a person is its source, and undo puts it back to the byte."""
    before = command.export()
    done = command("profile", "set", *NICK, "--key", "Allergy", flag, given, "--json").json
    (after,) = _at(command, "allergy")
    assert (after["value"], after["source"], after["confidence"]) == (value, "explicit", 1.0)
    assert (done["row_id"], done["before"]["value"]) == (after["id"], "allergic to peanuts")
    assert done["after"]["value"] == value
    assert after["created_at"] == done["before"]["created_at"] < after["updated_at"]
    command("profile", "undo", done["plan_id"])
    assert command.export() == before


def test_set_inserts_a_row_where_there_is_none(command: Command) -> None:
    """With a category; what is so already is not written again."""
    before = command.export()
    tea = ("profile", "set", *NICK, "--category", "Preference", "--key", "tea", "--value", "green")
    inserted = command(*tea, "--source", "survey", "--confidence", "0.7", "--json").json
    (tea_row,) = _at(command, "tea")
    assert (tea_row["category"], tea_row["source"], tea_row["confidence"]) == (
        "preference",
        "survey",
        0.7,
    )
    assert inserted["before"] is None
    again = command(*tea, "--source", "survey", "--confidence", "0.7", "--json").json
    assert again["plan_id"] is None
    command("profile", "undo", inserted["plan_id"])
    assert command.export() == before


def test_unset_removes_a_key_or_a_category(command: Command) -> None:
    """The count is printed, a dry run removes nothing, protected rows go too, undo brings back."""
    before = command.export()
    unset = ("profile", "unset", *NICK)
    dry = command(*unset, "--category", "fact", "--dry-run", "--json").json
    assert (dry["removed"], dry["plan_id"], command.export()) == (4, None, before)
    assert "1 row removed" in command(*unset, "--key", "allergy").out
    gone = command(*unset, "--category", "FACT", "--json").json
    assert [row["key"] for row in gone["rows"]] == ["favorite_color"] * 2 + ["employer"] * 2
    assert [row["key"] for row in command.export()] == ["greeting", "instruments"]
    history = command("profile", "history", *NICK, "--json").json
    assert [each["effect"] for each in history[-4:]] == ["deleted"] * 4
    command("profile", "undo", gone["plan_id"])
    command("profile", "undo", history[-5]["plan_id"])
    assert command.export() == before


def test_a_pinned_key_is_left_alone(command: Command) -> None:
    """Until it is let go, a model may say what it likes."""
    command("profile", "pin", *NICK, "--key", "Greeting")
    assert "greeting" in command("profile", "pin", *NICK).out

    def remove(body: dict[str, Any]) -> str:
        ids = ids_by_key(body)
        noise = {"reason": "a greeting", "id": ids["greeting"][0], "why": "noise"}
        return reply(remove=[noise], reviewed=[i for each in ids.values() for i in each])

    with ModelServer(remove) as server:
        asking = command.having(llm_base_url=server.url, llm_model="m")
        consolidate = ("profile", "consolidate", *NICK, "--dry-run", "--json")
        dropped = asking(*consolidate).json["dropped_operations"]
        assert [each["guard"] for each in dropped] == ["protected"]
        off = command("profile", "pin", *NICK, "--key", "greeting", "--off", "--json").json
        assert off == {
            "entity_id": "nick",
            "entity_type": "user",
            "pinned_keys": [],
            "changed": True,
        }
        assert asking(*consolidate).json["accounting"]["removed"] == 1


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("set", "--key", "tea", "--value", "x"), "no key 'tea'"),
        (("set", "--key", "allergi", "--value", "x"), "did you mean 'allergy'?"),
        (("set", "--key", "tea", "--category", "helth", "--value", "x"), "'health'"),
        (("set", "--key", "employer", "--value", "x"), "--row"),
        (("set", "--key", "employer", "--row", "999", "--value", "x"), "no row '999'"),
        (("set", "--key", "allergy"), "--value TEXT or --json-value JSON"),
        (("set", "--key", "allergy", "--value", "x", "--json-value", "1"), "one value"),
        (("set", "--key", "allergy", "--json-value", "{"), "not JSON"),
        (("set", "--key", "allergy", "--json-value", "NaN"), "not JSON"),
        (("set", "--key", "allergy", "--value", "x", "--confidence", "2"), "between 0 and 1"),
        (("set", "--key", "x" * 101, "--category", "fact", "--value", "x"), "longer than 100"),
        (("set", "--key", " ", "--category", "fact", "--value", "x"), "key is missing"),
        (("unset",), "--category"),
        (("unset", "--key", "employr"), "did you mean 'employer'?"),
        (("unset", "--category", "fakt"), "did you mean 'fact'?"),
        (("pin", "--off"), "--key"),
        (("pin", "--key", " "), "1 to 100 characters"),
    ],
)
def test_what_is_not_clear_changes_nothing(
    sqlite_command: Command, arguments: tuple[str, ...], hint: str
) -> None:
    """One line says what is wrong, and names what is near."""
    command, *options = arguments
    before = sqlite_command.export()
    done = sqlite_command("profile", command, *NICK, *options, code=2)
    assert hint in done.errors
    assert len(done.errors.splitlines()) == 1
    assert sqlite_command.export() == before
    nobody = sqlite_command("profile", command, "--entity", "nik", *options, code=2)
    assert "nick" in nobody.errors or hint in nobody.errors


def test_what_was_set_is_asked_about_like_any_new_row(sqlite_command: Command) -> None:
    """A model then sees it beside its relatives, and may not touch it."""
    seen: list[list[str]] = []

    def merge(body: dict[str, Any]) -> str:
        ids = ids_by_key(body)
        seen.append(sorted(ids))
        group = {"reason": "one job", "op": "supersede", "ids": ids["employer"]}
        return reply(groups=[group], reviewed=[i for each in ids.values() for i in each])

    with ModelServer(merge) as server:
        asking = sqlite_command.having(llm_base_url=server.url, llm_model="m")
        asking("run-due")
        (left,) = _at(sqlite_command, "employer")
        text = ("--category", "misc", "--key", "employer", "--value", "works at Cedar Inn")
        sqlite_command("profile", "set", *NICK, *text)
        done = asking("profile", "consolidate", *NICK, "--json").json
    assert seen[-1] == ["employer"]
    winner = done["operations"][0]
    assert (winner["op"], winner["after"]["value"]) == ("supersede", "works at Cedar Inn")
    assert left["id"] in winner["row_ids"]
    assert json.dumps(done).count("protected") == 0


def test_keys_that_differ_by_a_symbol_are_different_keys(sqlite_command: Command) -> None:
    """C is not C++, a key without letters is only itself, and spelling goes before likeness."""
    keys = ["C++", "C#", "A-", "👋", "!!!", "Tea Time", "tea_time"]
    rows = [row(key, f"about {key}", entity_id="kim") for key in keys]
    sqlite_command("profile", "import", "-", stdin=json.dumps(rows))
    kim = ("--entity", "kim", "--category", "fact")
    for key in ("C", "A"):
        made = sqlite_command("profile", "set", *kim, "--key", key, "--value", "x", "--json").json
        assert made["before"] is None
    spelt = sqlite_command("profile", "set", *kim, "--key", "tea_time", "--value", "x", "--json")
    assert spelt.json["before"]["value"] == "about tea_time"
    assert sqlite_command("profile", "unset", *kim, "--key", "👋", "--json").json["removed"] == 1
    assert "🙂" in sqlite_command("profile", "unset", *kim, "--key", "🙂", code=2).errors
    left = [each["key"] for each in sqlite_command.export("kim")]
    assert left == ["C++", "C#", "A-", "!!!", "Tea Time", "tea_time", "C", "A"]


def test_many_who_set_one_new_key_make_one_row(command: Command) -> None:
    """Whoever comes second sees the row of the first."""
    line = ("profile", "set", *NICK, "--category", "fact", "--key", "race", "--value")
    running = [command.started(*line, str(number)) for number in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    for process in running:
        process.communicate()
    assert len(_at(command, "race")) == 1


def test_a_pin_that_protects_nothing_says_so(sqlite_command: Command) -> None:
    """It may be meant for rows to come; it may be a slip."""
    assert (
        "did you mean 'allergy'?" in sqlite_command("profile", "pin", *NICK, "--key", "alergy").out
    )
    for_all = sqlite_command.having(profile_maintenance_pinned_keys='["employer"]')
    assert "employer" in for_all("profile", "pin", *NICK).out
    off = for_all("profile", "pin", *NICK, "--key", "employer", "--off", code=2)
    assert "pinned_keys" in off.errors
