"""`doctor` as a person runs it: one line a check, what mends it, and an exit code."""

import json
from typing import Any

import pytest
from command import Command
from databases import is_sqlite, sql
from model_server import ModelServer, Raw, completion


def _ready(body: dict[str, Any]) -> str:
    asked = json.loads(body["messages"][-1]["content"])
    return json.dumps({"nonce": asked["nonce"], "groups": [], "remove": [], "reviewed": ["r1"]})


def _checks(command: Command, server: ModelServer, code: int, **settings: str) -> dict[str, Any]:
    asked = command.having(llm_base_url=server.url, **settings)("doctor", "--json", code=code)
    assert asked.json["healthy"] == (code == 0)
    return {check["name"]: check for check in asked.json["checks"]}


def test_all_is_well(command: Command) -> None:
    """Settings, database, clock and model are looked at, and one tiny reply is asked for."""
    command("init")
    with ModelServer(_ready, models=("small", "large")) as server:
        done = command.having(llm_base_url=server.url, llm_context_tokens="8192")("doctor")
    lines = done.out.splitlines()
    wrong = [line.split()[1] for line in lines if not line.startswith(("ok ", " "))]
    assert set(wrong) <= {"program", "timer", "ticks"}  # as it is installed here; nothing ticks yet
    assert [line[9:23].strip() for line in lines if not line.startswith(" ")] == [
        *("program", "settings", "key", "database", "clock", "profiles", "memories", "timer"),
        *("ticks", "due jobs", "claims", "failures", "held plans", "journal"),
        *("monitoring", "model server", "model", "context", "reply"),
    ]
    assert "schema version 6" in done.out
    assert "lists 2 models: small, large" in done.out
    assert "8,192 tokens, as set" in done.out
    assert done.errors == ""
    assert len(server.requests) == 1


def test_without_a_model_server_that_is_said(sqlite_command: Command) -> None:
    """It is allowed, and worth knowing."""
    done = sqlite_command("doctor")
    assert "only exact duplicates are folded" in done.out
    assert "llm-maint config set llm.base_url" in done.out


def test_a_model_that_is_not_there_is_told_beside_those_that_are(sqlite_command: Command) -> None:
    """The failure is explained in the server's own names, with the nearest to mend it."""
    gone = Raw(status=404, body='{"error": {"message": "model \'smal\' not found"}}')
    with ModelServer(lambda _: gone, models=("large", "small")) as server:
        model = _checks(sqlite_command, server, 78, llm_model="smal")["model"]
    assert model["found"] == "model 'smal' not found: the server has large, small"
    assert model["mend"] == "llm-maint config set llm.model small"


@pytest.mark.parametrize(
    ("answer", "code", "name", "found"),
    [
        pytest.param(Raw(status=401, body="who?"), 78, "model", "refuses the key", id="the key"),
        pytest.param(Raw(status=503), 69, "model", "answered 503", id="busy"),
        pytest.param("Sure!", 1, "reply", "the reply is not JSON: 'Sure!'", id="no JSON"),
        pytest.param(
            Raw(body=completion("{", finish_reason="length")), 1, "reply", "was cut", id="cut"
        ),
        pytest.param('{"no": 1}', 1, "reply", "has none of groups", id="another object"),
        pytest.param('{"groups": []}', 0, "reply", "without the nonce", id="no nonce"),
    ],
)
def test_each_failure_is_a_line_of_its_own(
    sqlite_command: Command, answer: str | Raw, code: int, name: str, found: str
) -> None:
    """Only what may pass is tried twice, and nothing else is wrong."""
    with ModelServer(lambda _: answer) as server:
        checks = _checks(sqlite_command, server, code)
    assert found in checks[name]["found"]
    assert [each["name"] for each in checks.values() if each["state"] == "failure"] == (
        [name] if code else []
    )
    assert len(server.requests) == (2 if code == 69 else 1)


def test_a_server_that_is_down_is_found_out_at_once(sqlite_command: Command) -> None:
    """One try, one line, and the exit code of a server that cannot be reached."""
    with ModelServer(_ready) as server:
        gone = server.url
    done = sqlite_command.having(llm_base_url=gone)("doctor", code=69)
    assert "failure  model server  " in done.out
    assert "is it running?" in done.out


def test_a_key_that_would_go_out_in_the_clear_is_a_failure(sqlite_command: Command) -> None:
    """Nothing is sent, and the setting that would allow it is named; the key is not shown."""
    exposed = sqlite_command.having(llm_base_url="http://model.example/v1", llm_api_key="s3cret")
    done = exposed("doctor", code=78)
    assert "in the clear: use https, or set llm.allow_insecure" in done.out
    assert "s3cret" not in done.out + done.errors


def test_a_database_that_is_not_ours_yet_is_a_failure(stranger: Command) -> None:
    """The check says what to do, and the rest is looked at all the same."""
    done = stranger("doctor", code=78 if "postgresql" in stranger.settings["database_url"] else 69)
    assert "failure  database" in done.out
    assert "model server" in done.out


def test_a_settings_file_that_others_can_read_is_a_warning(sqlite_command: Command) -> None:
    """It may hold a key or a password."""
    file = sqlite_command.home / ".config/llm-maint/config.toml"
    file.chmod(0o644)
    done = sqlite_command("doctor")
    assert f"chmod 600 {file}" in done.out


def test_a_timer_that_fires_is_seen(command: Command) -> None:
    """The first tick under cron is noted; from then on silence is a failure, with what mends it."""
    command("run-due")
    checks = {check["name"]: check for check in command("doctor", "--json").json["checks"]}
    assert checks["ticks"]["state"] == "ok"
    assert checks["timer"]["state"] == "ok"
    with command.database() as database:
        age = "datetime(seen_at, '-1 day')" if is_sqlite(database) else "seen_at - interval '1 day'"
        sql(database, f"UPDATE maintenance_ticks SET seen_at = {age}")
    done = command("doctor", code=1)
    assert "failure  ticks         the last was seen 24 h ago" in done.out
    assert "systemctl list-timers llm-maint.timer" in done.out


def test_jobs_in_trouble_are_told(sqlite_command: Command) -> None:
    """What is late, stuck or failing has a line each; three failures in a row are a failure."""
    sqlite_command("run-due")
    with sqlite_command.database() as database:
        sql(
            database,
            "UPDATE scheduled_jobs SET next_run_at = datetime('now', '-3 hours') "
            "WHERE name = 'memory-decay'",
        )
        sql(
            database,
            "UPDATE scheduled_jobs SET claim_run_id = 'gone', "
            "lease_expires_at = datetime('now', '-1 hours') WHERE name = 'memory-recurrence'",
        )
        sql(
            database,
            "UPDATE scheduled_jobs SET consecutive_failures = 3, last_status = 'failed' "
            "WHERE name = 'profile-maintenance'",
        )
    asked = sqlite_command("doctor", "--json", code=1).json
    checks = {check["name"]: check for check in asked["checks"]}
    assert "memory-decay by 3 h" in checks["due jobs"]["found"]
    assert "a dead process holds memory-recurrence" in checks["claims"]["found"]
    assert checks["failures"]["state"] == "failure"
    assert not asked["healthy"]


def test_what_mends_names_the_file_that_was_looked_at(sqlite_command: Command) -> None:
    """Pasted, it must not change the settings of another installation."""
    (sqlite_command.home / "my file.toml").write_text("")
    done = sqlite_command("--config", "my file.toml", "doctor")
    assert "llm-maint --config 'my file.toml' config set llm.base_url" in done.out
    assert "llm-maint --config 'my file.toml' deploy cron" in done.out
