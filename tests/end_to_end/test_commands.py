"""The commands of people: jobs, runs, profiles, settings; names, shapes and exit codes."""

import json
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from command import DEFAULT_JOBS, Command, ids_by_key, reply, row
from model_server import ModelServer


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("jobs", "show", "profile-maintenence"), 2, "profile-maintenance"),
        (("jobs", "add", "profile_maintenence"), 2, "profile_maintenance"),
        (("jobs", "add", "profile_maintenance", "--config", "entity=nick"), 2, "entity_id"),
        (("jobs", "add", "profile_maintenance"), 2, "--name"),
        (("jobs", "add", "history_pruning", "--every", "soon", "--name", "x"), 2, "60m, 2h or 1d"),
        (("jobs", "list2"), 2, "list"),
        (("runs", "show", "ffff"), 2, "no run"),
        (("runs", "tail", "--status", "succes"), 2, "success"),
        (("runs", "tail", "--job", "historypruning"), 2, "history-pruning"),
        (("run-due", "--job", "history-prunin"), 2, "history-pruning"),
        (("profile", "show", "--entity", "nik"), 2, "nick"),
        (("profile", "show", "--entity", "nick", "--entity-type", "person"), 2, "user, bot"),
        (("profile", "undo", "ffff"), 2, "no plan"),
        (("profile", "import", "nowhere.json"), 2, "No such file"),
        (("config", "get", "llm.base_ur"), 78, "llm.base_url"),
        (("config", "set", "llm.max_attempts", "none"), 78, "llm.max_attempts"),
        (("--config", "nowhere.toml", "jobs", "list"), 78, "nowhere.toml"),
    ],
)
def test_bad_input_is_one_line_that_names_what_is_near(
    sqlite_command: Command, arguments: tuple[str, ...], code: int, hint: str
) -> None:
    """Nobody has to look up what he nearly knew, and no traceback is seen."""
    done = sqlite_command(*arguments, code=code)
    assert hint in done.errors
    assert "Traceback" not in done.errors
    assert done.out == ""


def test_jobs_are_administered(command: Command) -> None:
    """A job is added, shown, disabled, enabled, run and removed, by its name or its id."""
    add = ("jobs", "add", "profile_maintenance", "--every", "2h", "--name", "nick-only")
    added = command(*add, "--bot", "nova", "--config", "entity_id=nick", "--json").json
    assert (added["interval_minutes"], added["bot_id"]) == (120, "nova")
    assert added["config"] == {"entity_id": "nick"}
    names = [job["name"] for job in command("jobs", "list", "--json").json]
    assert names == sorted([*DEFAULT_JOBS, "nick-only"])
    assert command("jobs", "disable", added["id"][:10], "--json").json["enabled"] is False
    ran = command("run-due", "--json").json
    assert "nick-only" not in [run["job_name"] for run in ran["runs"]]
    run = command("jobs", "run", "nick-only", "--json").json
    assert (run["status"], run["trigger"]) == ("success", "manual")
    assert command("jobs", "enable", "nick-only", "--json").json["enabled"] is True
    command("jobs", "remove", "nick-only")
    command("jobs", "show", "nick-only", code=2)
    shown = command("runs", "show", run["id"], "--json").json
    assert shown["job_name"] == "nick-only"


def test_a_dry_run_of_due_jobs_writes_nothing(command: Command) -> None:
    """`run-due --dry-run` tells what would be done; the jobs stay due."""
    shown = command("run-due", "--dry-run", "--json").json
    assert shown["counts"] == {"success": len(DEFAULT_JOBS)}
    assert {run["id"] for run in shown["runs"]} == {None}
    assert command.runs() == []
    assert command.job()["next_run_at"] is None


@pytest.mark.parametrize(
    ("options", "ran"),
    [(("--limit", "1"), 1), (("--max-seconds", "0"), 0), ((), len(DEFAULT_JOBS))],
)
def test_a_tick_can_be_bounded(sqlite_command: Command, options: tuple[str, ...], ran: int) -> None:
    """What is left over stays due for the next tick."""
    assert len(sqlite_command("run-due", *options, "--json").json["runs"]) == ran
    assert len(sqlite_command("run-due", "--json").json["runs"]) == len(DEFAULT_JOBS) - ran


def test_a_switched_off_scheduler_runs_nothing(sqlite_command: Command) -> None:
    """`scheduler.enabled = false` is obeyed politely: no run, no failure, no output."""
    off = sqlite_command.having(scheduler_enabled="false")
    done = off("run-due")
    assert (done.out, done.errors) == ("", "")
    assert off("run-due", "--json").json["runs"] == []
    assert len(sqlite_command("run-due", "--json").json["runs"]) == len(DEFAULT_JOBS)


def test_an_unknown_job_type_is_skipped_and_stops_nobody(command: Command) -> None:
    """A row with a type that nobody knows is recorded as skipped, with the nearest known name."""
    url = command.settings["database_url"].replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO scheduled_jobs "
                "(id, job_type, bot_id, enabled, interval_minutes, config_json) "
                "VALUES ('by-hand', 'profile_maintenence', 'nova', true, 60, '{}')"
            )
        )
    engine.dispose()
    tick = command("run-due")
    assert "profile_maintenance" in tick.errors
    statuses = {run["job_type"]: run["status"] for run in command.runs()}
    known = [name.replace("-", "_") for name in DEFAULT_JOBS]
    assert statuses == {"profile_maintenence": "skipped", **dict.fromkeys(known, "success")}


def test_a_bad_file_names_its_line_and_imports_nothing(command: Command) -> None:
    """All rows of a file or none."""
    before = command.export()
    rows = [json.dumps(row("a", 1)), json.dumps(row("b", 2)), '{"key": "c"}']
    done = command("profile", "import", "-", "--entity", "nick", stdin="\n".join(rows), code=2)
    assert "line 3" in done.errors
    assert "nothing was imported" in done.errors
    assert command.export() == before


def test_an_export_can_be_imported(command: Command) -> None:
    """What one installation exports another imports, as JSON and as JSON Lines."""
    before = command.export()
    lines = command("profile", "export", "--entity", "nick", "--lines").out
    moved = lines.replace('"nick"', '"ada"')
    command("profile", "import", "-", stdin=moved)
    own = ("id", "entity_id")
    assert [{k: v for k, v in r.items() if k not in own} for r in command.export("ada")] == [
        {k: v for k, v in r.items() if k not in own} for r in before
    ]


def test_settings_have_a_precedence_and_an_origin(sqlite_command: Command, tmp_path: Path) -> None:
    """Environment before file before default; secrets are never shown."""
    sqlite_command("config", "set", "llm.model", "from-file")
    sqlite_command("config", "set", "llm.api_key", "hunter2")
    assert sqlite_command("config", "get", "llm.model").out == "from-file\n"
    shown = sqlite_command.having(llm_model="from-environment")("config", "show", "--json")
    assert shown.json["llm.model"] == {"value": "from-environment", "origin": "environment"}
    assert shown.json["llm.max_attempts"]["origin"] == "default"
    assert "hunter2" not in shown.out
    file = Path(sqlite_command("config", "path").out.strip())
    assert file.is_relative_to(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(file.read_text().replace("[llm]", "[llm]\nmodle = 'x'"))
    assert "llm.model" in sqlite_command("config", "check", code=78).errors


def test_a_profile_is_shown_in_the_agreed_shape(command: Command) -> None:
    """Scripts rely on these fields."""
    shown = command("profile", "show", "--entity", "NICK ", "--json").json
    assert shown.keys() >= {"entity_type", "entity_id", "display_name", "summary", "attributes"}
    assert shown["attributes"][6]["value"] == ["cello", {"kind": "bass", "strings": 4}, None]
    assert shown["attributes"][0]["created_at"] == "2026-01-01T00:00:00Z"
    command("profile", "consolidate", "--entity", "nick")
    after = command("profile", "show", "--entity", "nick", "--json").json
    assert "allergic to peanuts" in after["summary"]
    assert after["summary_updated_at"].endswith("Z")
    prompt = command("profile", "prompt", "--entity", "nick").out
    assert prompt.strip() == after["summary"]
    listed = command("profile", "list", "--json").json
    assert [(each["entity_id"], each["attributes"]) for each in listed] == [("nick", 6)]


def test_a_plan_that_loses_too_much_waits_for_review(command: Command) -> None:
    """Exit code 3 and no change; `profile apply` applies it under the same id."""

    def hostile(body: dict[str, object]) -> str:
        ids = [row_id for each in ids_by_key(body).values() for row_id in each]
        return reply(remove=[{"reason": "gone", "id": i, "why": "noise"} for i in ids])

    before = command.export()
    with ModelServer(hostile) as server:
        asking = command.having(llm_base_url=server.url)
        consolidate = ("profile", "consolidate", "--entity", "nick", "--json")
        held = asking(*consolidate, code=3).json
        again = asking(*consolidate, code=3).json
        assert len(server.requests) == 2  # the second for a second opinion
    assert (held["held"], held["applied"]) == (True, False)
    assert again["plan_id"] == held["plan_id"]
    assert command.export() == before
    applied = command("profile", "apply", held["plan_id"], "--json").json
    assert (applied["plan_id"], applied["applied"]) == (held["plan_id"], True)
    assert [each["key"] for each in command.export()] == ["allergy"]
    command("profile", "apply", held["plan_id"], code=1)
    command("profile", "undo", held["plan_id"])
    assert command.export() == before


def test_following_prints_runs_as_they_come(command: Command) -> None:
    """`runs tail -f` prints the past, then each run as it comes, until a signal ends it."""
    command("run-due")
    following = command.started("runs", "tail", "-f", "--json")
    impatience = threading.Timer(30, following.kill)
    impatience.start()
    assert following.stdout is not None
    past = {json.loads(following.stdout.readline())["job_name"] for _ in DEFAULT_JOBS}
    run = command("jobs", "run", "history-pruning", "--json").json
    while (news := json.loads(following.stdout.readline()))["status"] == "running":
        pass
    following.terminate()
    following.communicate()
    impatience.cancel()
    assert following.returncode == 143
    assert past == set(DEFAULT_JOBS)
    assert news == run
