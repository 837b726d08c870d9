"""The commands about memories: names, shapes, exit codes, and what is heard of them."""

import json
from collections.abc import Mapping
from typing import Any

from command import Command, reply
from databases import dump, opened
from model_server import ModelServer
from recollecting import LAKES, row

BOT = ("--bot", "nova")


def _dump(command: Command) -> dict[str, list[str]]:
    database = opened(command.settings["database_url"], create=False)
    try:
        return dump(database)
    finally:
        database.close()


def _contents(command: Command) -> dict[str, str]:
    return {row["id"]: row["content"] for row in command("memory", "list", *BOT, "--json").json}


def _merging(body: Mapping[str, Any]) -> str:
    document = json.loads(body["messages"][-1]["content"])
    ids = [row["id"] for row in document["rows"]]
    return reply([{"reason": "one hobby", "op": "merge", "ids": ids}], reviewed=ids)


def test_memories_are_looked_at_consolidated_and_put_back(nova: Command) -> None:
    """Dry run, run, history, review and undo, as a person does it one after the other."""
    before = _dump(nova)["memories"]
    dry = nova("memory", "consolidate", *BOT, "--dry-run", "--json").json
    assert (dry["dry_run"], dry["applied"], dry["plan_id"]) == (True, False, None)
    assert _dump(nova)["memories"] == before
    done = nova("memory", "consolidate", *BOT, "--json").json
    assert (done["bot_id"], done["memories_before"], done["memories_after"]) == ("nova", 5, 4)
    (fold,) = done["operations"]
    assert (fold["op"], fold["winner_id"], fold["row_ids"]) == ("fold", "a2", ["a2", "a1"])
    assert fold["after"]["tags"] == ["hobby"]
    assert (fold["after"]["importance"], fold["after"]["access_count"]) == (0.8, 2)
    (line,) = nova("memory", "plans", *BOT, "--status", "applied", "-n", "1", "--json").json
    assert (line["plan_id"], line["kind"]) == (done["plan_id"], "consolidation")
    shown = nova("memory", "diff", done["plan_id"][:8])
    assert "exact duplicates, folded (1)" in shown.out
    effects = nova("memory", "history", *BOT, "--row", "a1", "--json").json
    assert [each["effect"] for each in effects] == ["inserted", "folded"]
    undone = nova("memory", "restore", done["plan_id"][:8], "--json").json
    assert (undone["reverts"], undone["row_ids"]) == (done["plan_id"], ["a2", "a1"])
    assert _dump(nova)["memories"] == before
    assert nova("memory", "consolidate", *BOT, "--json").json["unchanged"]


def test_a_model_is_shown_what_looks_alike(nova: Command) -> None:
    """It groups, code decides; what it cost is told."""
    with ModelServer(_merging) as server:
        told = nova.having(llm_base_url=server.url, llm_model="scripted")
        done = told("memory", "consolidate", *BOT, "--json").json
        (asked,) = server.requests
    sent = json.loads(asked["messages"][-1]["content"])
    assert sent["entity"] == {"type": "bot", "id": "nova"}
    assert [row["value"] for row in sent["rows"]] == [
        "plays chess  on TUESDAYS",
        "Plays chess on Tuesdays at the club",
    ]
    assert (done["llm"]["calls"], done["accounting"]["merged"]) == (1, 2)
    assert _contents(nova).keys() == {"a3", "b1", "b2"}


def test_a_server_that_is_gone_is_told_with_its_code(sqlite_nova: Command) -> None:
    """The JSON names the error too; nothing was changed."""
    before = _dump(sqlite_nova)["memories"]
    gone = sqlite_nova.having(llm_base_url="http://127.0.0.1:9/v1", llm_max_attempts="1")
    done = gone("memory", "consolidate", *BOT, "--json", code=69)
    assert done.json["error"]
    assert (done.json["applied"], done.json["memories_before"]) == (False, None)
    assert done.errors.count("\n") == 1
    assert _dump(sqlite_nova)["memories"] == before


def test_what_recurs_is_tagged_and_untagged(nova: Command) -> None:
    """Themes and numbers for scripts; the tag is taken off by undoing its plan."""
    nova("memory", "import", "-", *BOT, stdin=json.dumps(LAKES))
    before = _dump(nova)["memories"]
    dry = nova("memory", "recurrence", *BOT, "--dry-run", "--json").json
    assert dry["dry_run"]
    assert (dry["tagged"], dry["plan_ids"]) == (3, [])
    assert _dump(nova)["memories"] == before
    done = nova("memory", "recurrence", *BOT, "--json").json
    assert {**done, "dry_run": True, "plan_ids": []} == dry
    assert {"word": "lake", "occasions": 3, "memories": 3} in done["themes"]
    text = nova("memory", "recurrence", *BOT)
    assert "nova: 3 of 8 recur (38%)" in text.out
    assert text.out.endswith("nothing to change\n")
    nova("memory", "restore", done["plan_ids"][0])
    assert _dump(nova)["memories"] == before


def test_what_has_faded_is_reported_pruned_and_brought_back(nova: Command) -> None:
    """By default a report alone; brought back it stays."""
    before = _dump(nova)["memories"]
    report = nova("memory", "decay", *BOT, "--json").json
    assert (report["faded"], report["pruned"], report["prunes"]) == (1, 0, False)
    (faded,) = report["prunable"]
    assert (faded["id"], faded["reason"], faded["fate"]) == ("b1", "faded", "going")
    assert "config set memory.prune true" in nova("memory", "decay", *BOT).out
    prunes = nova.having(memory_prune="true")
    assert "would be pruned" in prunes("memory", "decay", *BOT, "--dry-run").out
    assert _dump(nova)["memories"] == before
    done = prunes("memory", "decay", *BOT, "--json").json
    assert (done["pruned"], done["dry_run"]) == (1, False)
    assert "b1" not in _contents(nova)
    assert "1 memory of nova would be put back" in nova("memory", "restore", *BOT, "--dry-run").out
    (restored,) = nova("memory", "restore", *BOT, "--json").json
    assert (restored["reverts"], restored["row_ids"]) == (done["plan_id"], ["b1"])
    assert _dump(nova)["memories"] == before
    assert prunes("memory", "decay", *BOT, "--json").json["pruned"] == 0
    assert nova("memory", "pin", *BOT, "--json").json["pinned"] == ["b1"]
    assert nova("memory", "restore", *BOT, "--json").json == []


def test_a_plan_that_would_lose_much_waits_for_review(nova: Command) -> None:
    """Its exit code says so; it is told again, applied, and undone."""
    rows = [row(f"d{n}", f"Had lunch {word} in the canteen") for n, word in enumerate("abcd")]
    nova("memory", "import", "-", *BOT, stdin=json.dumps(rows))

    def remove_all(body: Mapping[str, Any]) -> str:
        document = json.loads(body["messages"][-1]["content"])
        ids = [row["id"] for row in document["rows"]]
        noise = [row["id"] for row in document["rows"] if "lunch" in row["value"]]
        remove = [{"reason": "noise", "id": each, "why": "noise"} for each in noise]
        return reply(remove=remove, reviewed=ids)

    with ModelServer(remove_all) as server:
        told = nova.having(llm_base_url=server.url, llm_model="scripted")
        held = told("memory", "consolidate", *BOT, code=3)
        assert "held for review: it would lose 4 of" in held.out
        asked = len(server.requests)
        again = told("memory", "consolidate", *BOT, "--json", code=3).json
        assert (again["held"], again["unchanged"], len(server.requests)) == (True, True, asked)
    (line,) = nova("memory", "plans", *BOT, "--status", "held", "--json").json
    assert line["plan_id"] == again["plan_id"]
    before = _contents(nova)
    nova("memory", "apply", again["plan_id"][:8])
    assert before.keys() - _contents(nova).keys() == {"a1", "d0", "d1", "d2", "d3"}
    nova("memory", "restore", again["plan_id"][:8])
    assert _contents(nova) == before
    assert nova("memory", "apply", "--all-held", "--json").json == []


def test_a_plan_of_a_profile_is_none_of_memories(sqlite_nova: Command) -> None:
    """`memory restore` says so, and nothing is undone."""
    done = sqlite_nova("profile", "consolidate", "--entity", "nick", "--json").json
    refused = sqlite_nova("memory", "restore", done["plan_id"], code=2)
    assert "is not about memories" in refused.errors


def test_an_export_can_be_imported(nova: Command) -> None:
    """With vectors, lists and times, as JSON and as JSON Lines; an import can be undone."""
    sings = row("e1", "Sings alto", embedding=[0.5, 0.25, 1e-7], source_message_ids=[1])
    nova("memory", "import", "-", *BOT, stdin=json.dumps([sings]))
    exported = nova("memory", "export", *BOT).json
    lines = [json.loads(x) for x in nova("memory", "export", *BOT, "--lines").out.splitlines()]
    assert lines == exported
    moved = "\n".join(json.dumps({**each, "bot_id": "iris"}) for each in exported)
    done = nova("memory", "import", "-", stdin=moved, code=0)
    assert done.out.startswith("iris: 6 memories imported; to undo: llm-maint memory restore ")
    again = nova("memory", "export", "--bot", "iris").json
    assert [{**each, "bot_id": "nova"} for each in again] == exported
    nova("memory", "restore", done.out.split()[-1])
    assert [each["bot_id"] for each in nova("memory", "list", "--json").json] == ["nova"]
    bare = nova("memory", "export", *BOT, "--no-vectors").json
    assert all(each.get("embedding") is None for each in bare)


def test_pins_are_set_listed_and_let_go_by_the_start_of_an_id(nova: Command) -> None:
    """A pinned memory stays as it is; a pin of what is gone can be let go too."""
    nova("memory", "import", "-", *BOT, stdin=json.dumps([row("pinned-1", "Owns a boat")]))
    pinned = nova("memory", "pin", *BOT, "--row", "pin", "--json").json
    assert pinned == {"bot_id": "nova", "pinned": ["pinned-1"], "changed": True}
    assert nova("memory", "pin", *BOT).out == "pinned-1\n"
    assert nova("memory", "pin", *BOT, "--row", "pin", "--json").json["changed"] is False
    gone = nova("memory", "pin", *BOT, "--row", "pin", "--remove", "--json").json
    assert gone == {"bot_id": "nova", "pinned": [], "changed": True}
    assert nova("memory", "pin", *BOT, "--row", "a1", "--remove", "--json").json["changed"] is False
    assert nova("memory", "pin", *BOT).out == "nova: no memory is pinned\n"


def test_a_job_may_be_about_one_bot(nova: Command) -> None:
    """Added with `--bot`; one that is not there fails with one line that names the nearest."""
    add = ("jobs", "add", "memory_decay", "--every", "1d", "--name", "only")
    added = nova(*add, "--bot", "nova", "--json").json
    assert (added["bot_id"], added["config"]) == ("nova", {})
    run = nova("jobs", "run", "only", "--json").json
    assert [line["bot_id"] for line in run["result"]["bots"]] == ["nova"]
    nova("jobs", "remove", "only")
    nova(*add, "--bot", "nowa")
    failed = nova("jobs", "run", "only", code=1)
    assert "did you mean 'nova'" in failed.errors
    assert failed.errors.count("\n") == 1
