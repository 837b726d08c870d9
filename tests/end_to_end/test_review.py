"""Plans under review: from a file, all that are held, and the history of what became of rows."""

import json
from pathlib import Path
from typing import Any

import pytest
from command import Command, ids_by_key, reply, row, tidy
from model_server import ModelServer

NICK = ("--entity", "nick")


@pytest.fixture
def saved(command: Command, tmp_path: Path) -> Path:
    """Return the file of a plan that a dry run wrote."""
    file = tmp_path / "plan.json"
    with ModelServer(tidy) as server:
        asking = command.having(llm_base_url=server.url, llm_model="m")
        asking("profile", "consolidate", *NICK, "--dry-run", "--plan-out", str(file))
    return file


def test_a_plan_in_a_file_is_shown_applied_and_undone(command: Command, saved: Path) -> None:
    """As it was reviewed; a second time there is nothing of it left to apply."""
    before = command.export()
    shown = command("profile", "diff", str(saved), "--json").json
    done = command("profile", "apply", str(saved), "--json").json
    assert done["applied"]
    assert done["operations"] == shown["operations"]
    assert len(command.export()) == len(before) - 3
    assert "outdated" in command("profile", "apply", str(saved), code=1).errors
    command("profile", "undo", done["plan_id"])
    assert command.export() == before


GONE = object()

WINNER = "winner"

FORGERIES: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "the image of a winner": (("images_after", WINNER, "value"), '"owned"'),
    "whose it is": (("images_after", WINNER, "entity_id"), "anna"),
    "a further column": (("images_after", WINNER, "other"), 1),
    "a winner": (("operations", WINNER, "after", "value"), "owned"),
    "a reason": (("operations", WINNER, "reason"), {"a": 1}),
    "a row": (("rows", 0, "value"), "harmless"),
    "an image without id": (("rows", 0, "image", "id"), GONE),
    "a confidence": (("rows", 0, "image", "confidence"), "x"),
    "a time": (("rows", 0, "image", "updated_at"), "infinity"),
    "dropped": (("dropped_operations",), [{"guard": "g", "reason": "r", "row_ids": [999]}]),
    "calls": (("llm", "calls"), "x"),
    "format": (("format",), 99),
    "no rows": (("rows",), GONE),
}


def _forged(document: dict[str, Any], path: tuple[str | int, ...], value: object) -> None:
    number = next(n for n, op in enumerate(document["operations"]) if op["after"] is not None)
    place: Any = document
    for step in path[:-1]:
        place = place[number if step == WINNER else step]
    if value is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value


@pytest.mark.parametrize(("path", "value"), FORGERIES.values(), ids=FORGERIES)
def test_a_file_that_was_tampered_with_is_refused(
    sqlite_command: Command, tmp_path: Path, path: tuple[str | int, ...], value: object
) -> None:
    """What a person reviewed and what is written are the same, or nothing is written."""
    file = tmp_path / "plan.json"
    sqlite_command("profile", "consolidate", *NICK, "--dry-run", "--plan-out", str(file))
    document = json.loads(file.read_text())
    _forged(document, path, value)
    file.write_text(json.dumps(document))
    before = sqlite_command.export()
    for what in ("diff", "apply"):
        refused = sqlite_command("profile", what, str(file), code=2)
        assert len(refused.errors.splitlines()) == 1
        assert "plan.json" in refused.errors
    assert sqlite_command.export() == before


@pytest.mark.parametrize("content", [None, "", "[]", "{", "\x00"])
def test_a_file_that_is_no_plan_is_refused(
    sqlite_command: Command, tmp_path: Path, content: str | None
) -> None:
    """By one line, whether it is shown or applied; a name of nothing is an unknown plan."""
    file = tmp_path / "plan.json"
    if content is not None:
        file.write_text(content)
    for what in ("apply", "diff"):
        refused = sqlite_command("profile", what, str(file), code=2)
        assert "plan" in refused.errors
        assert len(refused.errors.splitlines()) == 1


def test_what_is_pinned_after_a_plan_was_made_is_spared(command: Command, saved: Path) -> None:
    """The rest of the plan stands."""
    command("profile", "pin", *NICK, "--key", "employer")
    done = command("profile", "apply", str(saved), "--json").json
    assert [op["op"] for op in done["operations"]] == ["fold", "remove"]
    assert "protected" in [each["guard"] for each in done["dropped_operations"]]
    assert len([r for r in command.export() if r["key"] == "employer"]) == 2


def test_all_held_plans_are_applied_at_once(command: Command) -> None:
    """Each by itself: one whose rows were edited since is named and left, and the others go on."""
    people = ("ann", "bob", "cyd")
    rows = [row(f"note_{n}", f"said {n}", entity_id=who) for who in people for n in range(6)]
    command("profile", "import", "-", stdin=json.dumps(rows))

    def forget(body: dict[str, Any]) -> str:
        ids = [i for each in ids_by_key(body).values() for i in each]
        return reply(remove=[{"reason": "noise", "id": i, "why": "noise"} for i in ids])

    with ModelServer(forget) as server:
        asking = command.having(llm_base_url=server.url, llm_model="m")
        for who in people:
            asking("profile", "consolidate", "--entity", who, code=3)
    for key in range(6):
        value = ("--key", f"note_{key}", "--value", "kept")
        command("profile", "set", "--entity", "bob", *value)
    done = command("profile", "apply", "--all-held", "--json", code=1)
    assert [(each["entity_id"], each["applied"]) for each in done.json] == [
        ("ann", True),
        ("bob", False),
        ("cyd", True),
    ]
    assert "outdated" in done.errors
    assert [len(command.export(who)) for who in people] == [0, 6, 0]
    assert command("profile", "apply", "--all-held").out == "no plan is held\n"
    command("profile", "apply", code=2)
    command("profile", "apply", "abc", "--all-held", code=2)


def test_history_says_what_became_of_each_row_and_why(command: Command) -> None:
    """With the model's reason, the row that goes on, and whether it was undone since."""
    with ModelServer(tidy) as server:
        asking = command.having(llm_base_url=server.url, llm_model="m")
        plan = asking("profile", "consolidate", *NICK, "--json").json
    command("profile", "undo", plan["plan_id"])
    found = command("profile", "history", *NICK, "--json").json
    assert [each["effect"] for each in found[:7]] == ["inserted"] * 7
    by_effect = {each["effect"]: each for each in found}
    gone = by_effect["superseded"]
    assert gone["reason"] == "changed jobs"
    assert gone["before"]["value"] == "works at Alder Books"
    assert gone["after"] is None
    assert gone["status"] == "undone"
    assert by_effect["removed"]["reason"] == "a greeting"
    assert by_effect["restored"]["kind"] == "undo"
    only = command("profile", "history", *NICK, "--row", gone["row_id"]).out
    assert f"into [{gone['winner_id']}]: changed jobs" in only
    assert "greeting" not in only
    last = command("profile", "history", *NICK, "-n", "1", "--json").json
    assert last == found[-1:]
    assert "nik" in command("profile", "history", "--entity", "nik", code=2).errors


def test_what_a_person_did_has_a_diff_as_well(sqlite_command: Command) -> None:
    """An edit, an import and an undo show the rows that they changed."""
    done = sqlite_command("profile", "unset", *NICK, "--key", "greeting", "--json").json
    shown = sqlite_command("profile", "diff", done["plan_id"]).out
    assert "edit" in shown.splitlines()[0]
    assert "- [5] misc: greeting = said good morning" in shown
    undone = sqlite_command("profile", "undo", done["plan_id"], "--json").json
    assert "+ [5] misc: greeting" in sqlite_command("profile", "diff", undone["plan_id"]).out
    effects = sqlite_command("profile", "diff", done["plan_id"], "--json").json["effects"]
    assert [each["effect"] for each in effects] == ["deleted"]
    refused = sqlite_command("profile", "apply", undone["plan_id"], code=1).errors
    assert "it does not wait for review" in refused


def test_a_plan_file_is_for_its_owner_and_whole(sqlite_command: Command, tmp_path: Path) -> None:
    """It holds the profile; and a command that fails leaves none."""
    file = tmp_path / "plan.json"
    out = ("--dry-run", "--plan-out", str(file))
    sqlite_command("profile", "consolidate", "--entity", "nobody", *out, code=2)
    assert not file.exists()
    sqlite_command("profile", "consolidate", *NICK, *out)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.glob(".plan*")] == []
    nowhere = ("--plan-out", str(tmp_path / "no" / "plan.json"))
    sqlite_command("profile", "consolidate", *NICK, "--dry-run", *nowhere, code=2)
