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


def _forged(document: dict[str, Any], where: str) -> None:
    winner = next(op for op in document["operations"] if op["after"] is not None)
    if where == "image":
        image = document["images_after"][document["operations"].index(winner)]
        image["value"] = '"owned"'
    elif where == "after":
        winner["after"]["value"] = "owned"
    elif where == "rows":
        document["rows"][0]["value"] = "harmless"
    elif where == "twice":
        document["operations"].append(winner)
        document["images_after"].append(document["images_after"][0])
    elif where == "format":
        document["format"] = 99
    else:
        del document["rows"]


@pytest.mark.parametrize("where", ["image", "after", "rows", "twice", "format", "nothing"])
def test_a_file_that_was_tampered_with_is_refused(
    sqlite_command: Command, tmp_path: Path, where: str
) -> None:
    """What a person reviewed and what is written are the same, or nothing is written."""
    file = tmp_path / "plan.json"
    sqlite_command("profile", "consolidate", *NICK, "--dry-run", "--plan-out", str(file))
    document = json.loads(file.read_text())
    _forged(document, where)
    file.write_text(json.dumps(document))
    before = sqlite_command.export()
    refused = sqlite_command("profile", "apply", str(file), code=2)
    assert len(refused.errors.splitlines()) == 1
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
