"""What is heard of the commands about memories: errors of one line, and output as it is piped."""

import json

import pytest
from command import Command
from databases import dump, opened
from recollecting import LAKES

BOT = ("--bot", "nova")


def _dump(command: Command) -> dict[str, list[str]]:
    database = opened(command.settings["database_url"], create=False)
    try:
        return dump(database)
    finally:
        database.close()


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("list", "--bot", "nowa"), 2, "nova"),
        (("consolidate", "--bot", "nowa"), 2, "nova"),
        (("recurrence", "--bot", "nowa"), 2, "nova"),
        (("decay", "--bot", "nowa"), 2, "nova"),
        (("export", "--bot", "nowa"), 2, "nova"),
        (("pin", "--bot", "nowa"), 2, "nova"),
        (("history", "--bot", "nowa"), 2, "nova"),
        (("plans", "--bot", "nowa"), 2, "nova"),
        (("restore", "--bot", "nowa"), 2, "nova"),
        (("restore",), 2, "--bot"),
        (("restore", "ffff"), 2, "no plan"),
        (("apply", "ffff"), 2, "no plan"),
        (("apply",), 2, "--all-held"),
        (("diff", "ffff"), 2, "no plan"),
        (("plans", "--status", "hold"), 2, "held"),
        (("pin", "--bot", "nova", "--row", "a9"), 2, "no memory 'a9'; did you mean 'a"),
        (("pin", "--bot", "nova", "--row", "zz", "--remove"), 2, "no memory"),
        (("import", "nowhere.json", "--bot", "nova"), 2, "No such file"),
        (("consolidat", "--bot", "nova"), 2, "consolidate"),
        (("consolidate",), 2, "--bot"),
    ],
)
def test_bad_input_is_one_line_that_names_what_is_near(
    sqlite_nova: Command, arguments: tuple[str, ...], code: int, hint: str
) -> None:
    """Nobody has to look up what he nearly knew, and no traceback is seen."""
    done = sqlite_nova("memory", *arguments, code=code)
    assert hint in done.errors
    assert "Traceback" not in done.errors
    assert done.out == ""
    told = [line for line in done.errors.splitlines() if "error" in line]
    assert len(told) <= 1


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        (['{"content": "x"}', '{"contents": "y"}'], "line 2: unknown field 'contents'"),
        (['{"content": "x"}', "", '{"content": ""}'], "line 3: content is missing"),
        (['{"content": "x"}', "no JSON"], "line 2"),
        (['{"content": "x", "importance": 7}'], "line 1: importance is 7"),
        (['{"content": "x", "id": "z"}', '{"content": "y", "id": "z"}'], "line 2: the id 'z'"),
        (['{"content": "x", "embedding": [1, "a"]}'], "line 1: embedding"),
        (['{"content": "x", "created_at": "soon"}'], "line 1: created_at"),
    ],
)
def test_a_bad_file_names_its_line_and_imports_nothing(
    sqlite_nova: Command, lines: list[str], hint: str
) -> None:
    """All rows of a file or none."""
    before = _dump(sqlite_nova)
    done = sqlite_nova("memory", "import", "-", *BOT, stdin="\n".join(lines), code=2)
    assert hint in done.errors
    assert "nothing was imported" in done.errors
    assert done.errors.count("\n") == 1
    assert _dump(sqlite_nova) == before


def test_piped_output_is_plain_and_stable(sqlite_nova: Command) -> None:
    """Tables are tab-separated, newest last, with all of a text; no colour, and no bars."""
    listed = sqlite_nova("memory", "list", *BOT)
    assert listed.errors == ""
    lines = [line.split("\t") for line in listed.out.splitlines()]
    assert lines[0] == ["ID", "CONTENT", "TAGS", "IMPORTANCE", "USED", "CREATED", "LAST USED"]
    assert [line[0] for line in lines[1:]] == ["b1", "b2", "a1", "a2", "a3"]
    assert lines[3] == [
        *("a1", "Plays chess on Tuesdays", "hobby", "0.8", "2", "2026-01-01 00:00:00Z", "")
    ]
    assert "\x1b" not in listed.out
    few = sqlite_nova("memory", "list", *BOT, "-n", "2").out.splitlines()
    assert [line.split("\t")[0] for line in few[1:]] == ["a2", "a3"]
    assert sqlite_nova("memory", "list").out == (
        "BOT\tMEMORIES\tUPDATED\nnova\t5\t2026-03-01 00:00:00Z\n"
    )
    for command in ("consolidate", "recurrence", "decay"):
        done = sqlite_nova("memory", command, *BOT, "--dry-run")
        assert done.errors == ""
        assert "\x1b" not in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("list", *BOT),
        ("export", *BOT),
        ("consolidate", *BOT),
        ("recurrence", *BOT),
        ("decay", *BOT),
        ("plans",),
        ("history", *BOT),
        ("pin", *BOT),
        ("restore", *BOT),
        ("apply", "--all-held"),
    ],
)
def test_every_command_prints_one_json_document(
    sqlite_nova: Command, arguments: tuple[str, ...]
) -> None:
    """Nothing else is on standard output, and nothing on standard error."""
    done = sqlite_nova("memory", *arguments, "--json")
    assert isinstance(done.json, dict | list)
    assert done.errors == ""


def test_a_tick_of_all_jobs_is_silent(nova: Command) -> None:
    """Cron hears nothing of what went well, whatever there is to say about memories."""
    nova("memory", "import", "-", *BOT, stdin=json.dumps(LAKES))
    done = nova("run-due")
    assert (done.out, done.errors) == ("", "")
    runs = {run["job_type"]: run["result"] for run in nova.runs()}
    assert runs.keys() >= {"memory_consolidation", "memory_recurrence", "memory_decay"}
    (line,) = runs["memory_consolidation"]["bots"]
    assert (line["bot_id"], line["memories_before"], line["memories_after"]) == ("nova", 8, 7)
    assert runs["memory_decay"]["faded"] == 1
    assert runs["memory_recurrence"]["bots"][0]["warning"] is not None
    again = nova("run-due")
    assert (again.out, again.errors) == ("", "")
