"""The main job from outside: import, a due job, a model over HTTP, a tidy profile."""

import json

from command import ROWS, Command, row, tidy
from model_server import ModelServer

from llm_maint.domain.chat import Usage


def test_a_tick_consolidates_what_is_due_and_records_it(command: Command) -> None:
    """One silent tick of cron leaves a consolidated profile and a recorded run."""
    with ModelServer(tidy) as server:
        ticking = command.having(llm_base_url=server.url)
        tick = ticking("run-due")
    assert (tick.out, tick.errors) == ("", "")
    assert [each["key"] for each in command.export()] == [
        "favorite_color",
        "employer",
        "allergy",
        "instruments",
    ]
    run = next(run for run in command.runs() if run["job_name"] == "profile-maintenance")
    assert run["status"] == "success"
    entity = run["result"]["entities"][0]
    assert (entity["attributes_before"], entity["attributes_after"]) == (7, 4)
    assert sum(entity["accounting"].values()) == len(ROWS)
    assert Usage(**run["result"]["llm"]) == Usage(1, 7, 3)


def test_a_second_tick_has_nothing_to_do(command: Command) -> None:
    """An unchanged profile costs no call, and a job that is not due does not run."""
    with ModelServer(tidy) as server:
        ticking = command.having(llm_base_url=server.url)
        ticking("run-due")
        before = command.export()
        assert ticking("run-due", "--json").json["runs"] == []
        assert ticking("jobs", "run", "profile-maintenance", "--json").json["status"] == "success"
        assert len(server.requests) == 1
    assert command.export() == before


def test_a_dry_run_shows_the_plan_that_is_then_applied(command: Command) -> None:
    """For the same reply, what a dry run shows is what a real run does."""
    with ModelServer(tidy) as server:
        asking = command.having(llm_base_url=server.url)
        consolidate = ("profile", "consolidate", "--entity", "nick", "--json")
        shown = asking(*consolidate, "--dry-run").json
        assert len(command.export()) == len(ROWS)
        assert command("profile", "plans", "--json").json[-1]["kind"] == "import"
        done = asking(*consolidate).json
    assert (shown["dry_run"], shown["applied"], shown["plan_id"]) == (True, False, None)
    assert (done["dry_run"], done["applied"]) == (False, True)
    for part in ("operations", "accounting", "conflicts", "dropped_operations"):
        assert shown[part] == done[part]


def test_undo_puts_every_row_back(command: Command) -> None:
    """After an undo the export is what it was, and undoing that brings it back."""
    before = command.export()
    with ModelServer(tidy) as server:
        asking = command.having(llm_base_url=server.url)
        plan = asking("profile", "consolidate", "--entity", "nick", "--json").json["plan_id"]
    tidied = command.export()
    undone = command("profile", "undo", plan[:8], "--json").json
    assert undone["reverts"] == plan
    assert command.export() == before
    command("profile", "undo", undone["plan_id"])
    assert command.export() == tidied


def test_a_row_inserted_by_hand_is_a_good_job(command: Command) -> None:
    """`next_run_at` NULL means due: what an administrator sets in SQL is obeyed."""
    command("run-due")
    added = command(
        *("jobs", "add", "profile_maintenance", "--name", "nick", "--config", "entity_id=nick"),
        "--json",
    ).json
    assert added["next_run_at"] is None
    ran = command("run-due", "--json").json
    assert [run["job_name"] for run in ran["runs"]] == ["nick"]
    assert ran["next_due_at"] is not None


def test_every_entity_commits_by_itself(command: Command) -> None:
    """One entity that the model fails on does not keep the others from being consolidated."""
    others = [row("a", "one", entity_id="ada"), row("a", "One", entity_id="ada")]
    command("profile", "import", "-", stdin=json.dumps(others))

    def reply(body: dict[str, object]) -> str:
        return tidy(body) if "employer" in str(body) else "no JSON at all"

    with ModelServer(reply) as server:
        failed = command.having(llm_base_url=server.url)("run-due", code=1)
    assert "not JSON" in failed.errors
    assert len(command.export("ada")) == 2
    assert len(command.export("nick")) == 4
    result = next(run["result"] for run in command.runs() if "entities" in run["result"])
    assert {each["entity_id"]: bool(each["error"]) for each in result["entities"]} == {
        "ada": True,
        "nick": False,
    }
