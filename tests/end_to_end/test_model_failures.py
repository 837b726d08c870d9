"""A model server that fails in every way: the profile stays, the run is recorded."""

import pytest
from command import DEFAULT_JOBS, Command
from model_server import ModelServer, Raw, completion

FAILURES = {
    "slow": (Raw(delay=30), 69, "llm.timeout_seconds"),
    "an error of the server": (Raw(status=500, body="out of memory"), 69, "out of memory"),
    "a connection cut off": (Raw(hangup=True), 69, "broke off"),
    "a wrong key": (Raw(status=401, body="who are you"), 78, "llm.api_key_file"),
    "not JSON at all": (Raw(body="<html>hello</html>"), 1, "no JSON"),
    "a reply that is not JSON": (Raw(body=completion("Sure! Here you are")), 1, "not JSON"),
    "JSON of another shape": (Raw(body=completion('{"rows": []}')), 1, "has none of groups"),
    "a list": (Raw(body=completion("[1, 2]")), 1, "not a JSON object"),
    "groups that are none": (Raw(body=completion('{"groups": "r1"}')), 1, "'groups'"),
    "no message": (Raw(body=completion(None)), 1, "an empty message"),
    "busy with 200": (Raw(body='{"error": {"message": "overloaded"}}'), 69, "overloaded"),
    "an error with 200": (Raw(body='{"error": {"message": "cannot"}}'), 1, "cannot"),
    "a long wait": (Raw(status=429, headers={"Retry-After": "3600"}), 75, "asks to wait 3,600 s"),
}


@pytest.mark.parametrize(("answer", "code", "hint"), FAILURES.values(), ids=FAILURES)
def test_a_failing_model_changes_nothing(
    sqlite_command: Command, answer: Raw, code: int, hint: str
) -> None:
    """Rows stay, the failure is recorded, and one line says what to do."""
    before = sqlite_command.export()
    with ModelServer(lambda _: answer) as server:
        ticking = sqlite_command.having(
            llm_base_url=server.url, llm_timeout_seconds="0.5", llm_max_attempts="1"
        )
        tick = ticking("run-due", code=code)
    assert tick.out == ""
    assert hint in tick.errors
    assert len(tick.errors.splitlines()) == 1
    assert sqlite_command.export() == before
    run = next(r for r in sqlite_command.runs() if r["job_name"] == "profile-maintenance")
    assert run["status"] == "failed"
    assert hint in run["error_message"]
    assert sqlite_command.job()["consecutive_failures"] == 1


def test_a_model_server_that_is_down_fails_one_job_and_not_the_tick(command: Command) -> None:
    """The other jobs run, the exit code says why, and the job is tried again in a minute."""
    with ModelServer(lambda _: "") as server:
        gone = server.url
    tick = command.having(llm_base_url=gone, llm_max_attempts="1")("run-due", code=69)
    assert "is it running?" in tick.errors
    assert {run["job_name"]: run["status"] for run in command.runs()} == {
        **dict.fromkeys(DEFAULT_JOBS, "success"),
        "profile-maintenance": "failed",
    }
    assert command.job()["next_run_at"] < command.job("history-pruning")["next_run_at"]


def test_a_failed_consolidation_reports_itself_as_json(sqlite_command: Command) -> None:
    """With --json a script gets a document also where the model failed."""
    with ModelServer(lambda _: "?") as server:
        asking = sqlite_command.having(llm_base_url=server.url)
        done = asking("profile", "consolidate", "--entity", "nick", "--json", code=1)
    assert "not JSON" in done.json["error"]
    assert (done.json["applied"], done.json["operations"]) == (False, [])
