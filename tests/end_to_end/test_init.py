"""`init` with and without a person: what is asked, what is written, and what never happens."""

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command import DEFAULT_JOBS, ROWS, Command
from databases import Server, opened, sql
from model_server import ModelServer, Raw, completion
from terminal import Terminal, terminal

DATABASE, SERVER, MODEL, EVERY = "Database, ", "Model server: ", "Model: ", "Consolidate profiles"

CTRL_D = b"\x04"

NOWHERE = "1"
"""A port on which nothing listens."""


@pytest.fixture
def newcomer(tmp_path: Path) -> Command:
    """Return the command of somebody who has neither a setting nor a model server."""
    return Command(tmp_path, {"test_ports": NOWHERE})


def _serving(*models: str) -> ModelServer:
    return ModelServer(lambda _: Raw(body=completion("{}")), models=models)


def _beside(command: Command, server: ModelServer) -> Command:
    return command.having(test_ports=server.url.split(":")[2].removesuffix("/v1"))


def _config(command: Command) -> Path:
    return command.home / ".config/llm-maint/config.toml"


def _settings(command: Command) -> dict[str, Any]:
    """Return what the file sets, by name."""
    shown = command("config", "show", "--json").json
    return {name: each["value"] for name, each in shown.items() if each["origin"] == "file"}


def _files(command: Command) -> list[Path]:
    return sorted(command.home.rglob("*"))


def _with_database(command: Command) -> Command:
    """Return the command with the database that its file names."""
    url = _settings(command)["database.url"]
    return command.having(database_url=url)


def _enter(person: Terminal, *questions: str) -> Terminal:
    for question in questions:
        person.until(question).type("")
    return person


def test_enter_takes_the_defaults(newcomer: Command) -> None:
    """A server on this host is found; four questions later everything is there, and checked."""
    with _serving("small", "large") as server:
        command = _beside(newcomer, server)
        with terminal(command, "init") as person:
            _enter(person, DATABASE, SERVER, MODEL, EVERY)
            shown = person.ended()
    database = newcomer.home / ".local/share/llm-maint/memory.db"
    assert _settings(command) == {
        "database.url": f"sqlite:///{database}",
        "llm.base_url": server.url,
        "llm.model": "small",
        "profile_maintenance.interval_minutes": 60,
    }
    assert stat.S_IMODE(_config(command).stat().st_mode) == 0o600
    assert stat.S_IMODE(_config(command).parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert "# how long to wait for the database" in _config(command).read_text()
    assert [job["name"] for job in command("jobs", "list", "--json").json] == sorted(DEFAULT_JOBS)
    for told in ("~/.local/share/llm-maint/memory.db", "[1]", "[60m]", "more checks", "run-due"):
        assert told in shown
    assert len(shown.splitlines()) <= 36


def test_the_first_profile_is_the_first_thing_to_try(newcomer: Command) -> None:
    """What is in the database is told at once, and an entity out of it is named at the end."""
    command = newcomer.having(database_url=f"sqlite:///{newcomer.home}/there.db")
    command("init")
    command("profile", "import", "-", stdin=json.dumps(ROWS))
    with terminal(newcomer, "init") as person:
        person.until(DATABASE).type("there.db")
        person.until("entity_profile_attributes 7").until(SERVER).type("none")
        shown = person.ended()
    assert "profile consolidate --entity nick --dry-run" in shown
    assert EVERY not in shown
    assert _settings(newcomer)["llm.base_url"] == ""


def test_a_repeat_asks_nothing(newcomer: Command) -> None:
    """What is in the file stays to the byte, comments included, even where the answer was: none."""
    with terminal(newcomer, "init") as person:
        _enter(person, DATABASE, SERVER, EVERY).ended()
    before = _config(newcomer).read_text() + "# mine\n"
    _config(newcomer).write_text(before)
    with terminal(newcomer, "init") as person:
        shown = person.ended()
    assert _config(newcomer).read_text() == before
    assert "left as it is" in shown
    assert "all there" in shown
    assert not any(question in shown for question in (DATABASE, SERVER, MODEL, EVERY))


OPTIONS = {
    DATABASE: ("--database-url", "sqlite:///here.db"),
    SERVER: ("--llm-base-url", "http://127.0.0.1:1/v1"),
    MODEL: ("--llm-model", "large"),
    EVERY: ("--every", "2h"),
}


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ((DATABASE,), [SERVER, MODEL, EVERY]),
        ((SERVER,), [DATABASE, EVERY]),
        ((MODEL,), [DATABASE, SERVER, EVERY]),
        ((EVERY,), [DATABASE, SERVER, MODEL]),
        (tuple(OPTIONS), []),
    ],
)
def test_what_an_option_gives_is_not_asked(
    newcomer: Command, given: tuple[str, ...], asked: list[str]
) -> None:
    """Each option answers its own question; a server that is down has no models to choose from."""
    options = [word for question in given for word in OPTIONS[question]]
    with (
        _serving("small", "large") as server,
        terminal(_beside(newcomer, server), "init", *options) as person,
    ):
        shown = _enter(person, *asked).ended()
    assert [question for question in OPTIONS if question in shown] == asked
    if EVERY in given:
        assert _with_database(newcomer).job()["interval_minutes"] == 120


@pytest.mark.parametrize("name", ["database_url", "llm_base_url"])
def test_what_the_environment_gives_is_not_asked(newcomer: Command, name: str) -> None:
    """A variable answers as an option does, and stays out of the file."""
    values = {"database_url": "sqlite:///here.db", "llm_base_url": "http://127.0.0.1:1/v1"}
    question = {"database_url": DATABASE, "llm_base_url": SERVER}
    asked = [each for each in (DATABASE, SERVER, EVERY) if each != question[name]]
    with terminal(newcomer.having(**{name: values[name]}), "init") as person:
        shown = _enter(person, *asked).ended()
    assert question[name] not in shown
    assert f"which a service does not have: LLM_MAINT_{name.upper()}" in shown
    assert values[name] not in _config(newcomer).read_text()


@pytest.mark.parametrize("questions", range(4))
@pytest.mark.parametrize(("code", "told"), [(130, "interrupted"), (2, "init --defaults")])
def test_whoever_gives_up_leaves_nothing_behind(
    newcomer: Command, questions: int, code: int, told: str
) -> None:
    """Ctrl-C and Ctrl-D end with one line, at every question, and nothing was written."""
    before = _files(newcomer)
    asked = (DATABASE, SERVER, MODEL, EVERY)
    with (
        _serving("small", "large") as server,
        terminal(_beside(newcomer, server), "init") as person,
    ):
        _enter(person, *asked[:questions]).until(asked[questions]).until("]: ")
        shown = person.interrupted() if code == 130 else person.press(CTRL_D).ended(code)
    last = shown.splitlines()[-1]
    assert told in last
    assert "nothing was written" in last
    assert _files(newcomer) == before


def test_a_database_is_asked_for_again(newcomer: Command) -> None:
    """What is wrong is told at once, in one line, and a password is not repeated."""
    (newcomer.home / "notes.txt").write_text("no database, but long enough to be read as one\n" * 9)
    with terminal(newcomer, "init") as person:
        person.until(DATABASE).type("postgresql://me:sesame@127.0.0.1:1/assistant")
        person.until("cannot reach the database").until("me:***@").until(DATABASE)
        person.type("notes.txt").until("not an SQLite database").until(DATABASE)
        _enter(person.type("mine.db"), SERVER, EVERY)
        shown = person.ended()
    assert shown.count("sesame") == 1  # as it was typed
    assert _settings(newcomer)["database.url"] == f"sqlite:///{newcomer.home}/mine.db"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("host=localhost dbname=x", "neither a file nor a URL"),
        ("mysql://localhost/x", "'mysql' is not supported"),
        ("notes.txt/x.db", "is no directory"),
        ("/tmp", "/tmp is a directory"),
    ],
)
def test_three_databases_that_cannot_be_used_are_enough(
    newcomer: Command, answer: str, told: str
) -> None:
    """The third is told as any error is, and nothing was written."""
    (newcomer.home / "notes.txt").write_text("no database\n")
    before = _files(newcomer)
    with terminal(newcomer, "init") as person:
        for _ in range(3):
            person.until(DATABASE).type(answer).until(told)
        code = 2 if "=" in answer else 78 if "mysql" in answer else 69
        last = person.ended(code).splitlines()[-1]
    assert last.startswith("llm-maint: error: ")
    assert _files(newcomer) == before


def test_a_given_database_that_cannot_be_used_is_an_error(newcomer: Command) -> None:
    """Nobody is asked three questions whose answers would be in vain."""
    url = "postgresql://me@127.0.0.1:1/assistant"
    with terminal(newcomer, "init", "--database-url", url) as person:
        shown = person.ended(69)
    assert "cannot reach the database" in shown
    assert SERVER not in shown


@pytest.mark.parametrize("place", ["notes.txt/config.toml", "folder"])
def test_a_file_that_cannot_be_written_is_told_before_the_first_question(
    newcomer: Command, place: str
) -> None:
    """Below a file there is no directory, and a directory is no file."""
    (newcomer.home / "notes.txt").write_text("")
    (newcomer.home / "folder").mkdir()
    before = _files(newcomer)
    with terminal(newcomer, "--config", place, "init") as person:
        shown = person.ended(78)
    assert DATABASE not in shown
    assert len(shown.splitlines()) == 1
    assert _files(newcomer) == before


def test_tables_of_our_names_are_left_alone(newcomer: Command, postgresql: Server) -> None:
    """On a server ours go into a schema of their own, which is told and written down."""
    url = postgresql.create()
    database = opened(url)
    sql(database, "CREATE TABLE scheduled_jobs (theirs text)")
    with terminal(newcomer, "init") as person:
        person.until(DATABASE).type(url).until("ours go into the schema llm_maint")
        _enter(person, SERVER, EVERY).ended()
    assert _settings(newcomer)["database.schema"] == "llm_maint"
    assert len(newcomer("jobs", "list", "--json").json) == len(DEFAULT_JOBS)
    assert sql(database, "SELECT * FROM scheduled_jobs") == []
    database.close()
    postgresql.drop(url)


def test_tables_of_our_names_in_a_file_are_refused(newcomer: Command) -> None:
    """A file has no schemas to keep ours apart in: another is asked for."""
    database = opened(f"sqlite:///{newcomer.home}/theirs.db")
    sql(database, "CREATE TABLE job_runs (theirs text)")
    database.close()
    with terminal(newcomer, "init") as person:
        person.until(DATABASE).type("theirs.db").until("is not ours").until(DATABASE)
        person.type("mine.db").until(SERVER).interrupted()


def test_a_model_is_found_by_a_part_of_its_name(newcomer: Command) -> None:
    """Of ten thousand six are shown; parts narrow them down, and a slip names the nearest."""
    names = [f"vendor/model-{number:05}" for number in range(10_000)]
    with (
        _serving(*names, "vendor/Whale") as server,
        terminal(_beside(newcomer, server), "init") as person,
    ):
        _enter(person, DATABASE).until("and 10,000 more").until(SERVER).type("1")
        person.until("9,995 more").until(MODEL).type("zzz").until("no model 'zzz'")
        person.until(MODEL).type("model-0123").until("6  vendor/model-01235").until("4 more").until(
            MODEL
        )
        person.type("77").until("no model '77'").until(MODEL)
        person.type("vendor/model-00x42").until("did you mean this?").until(MODEL)
        person.type("whale").until(EVERY).type("soon").until("is no interval").until(EVERY)
        shown = person.type("2h").ended()
    settings = _settings(newcomer)
    assert settings["llm.model"] == "vendor/Whale"
    assert settings["profile_maintenance.interval_minutes"] == 120
    assert len(shown) < 10_000


def test_names_of_models_do_nothing_to_the_terminal(newcomer: Command) -> None:
    """What no person could type or read is not offered."""
    bad = ["\x1b[2Jcleared", "two\nlines", "\u202ereversed", "x" * 5_000, "\x07bell"]
    with (
        _serving(*bad, "honest", "fair") as server,
        terminal(_beside(newcomer, server), "init") as person,
    ):
        _enter(person, DATABASE, SERVER, MODEL, EVERY)
        person.ended()
    assert _settings(newcomer)["llm.model"] == "honest"
    assert "\x1b[2J" not in person.raw
    assert "\x07" not in person.raw
    assert "xxxxx" not in person.raw


def test_a_server_that_is_down_is_kept_by_enter(newcomer: Command) -> None:
    """It may be switched off for now: what was set up is no failure, and what is not is told."""
    with terminal(newcomer, "init") as person:
        _enter(person, DATABASE).until("no model server was found").until(SERVER).type("qwen")
        person.until("'qwen' is no address").until(SERVER).type("http:///v1")
        person.until("is not the address of a server").until(SERVER).type("127.0.0.1:1/v1")
        person.until("is it running?").until("[http://127.0.0.1:1/v1]")
        _enter(person.type(""), EVERY)
        shown = person.ended()
    assert _settings(newcomer)["llm.base_url"] == "http://127.0.0.1:1/v1"
    assert "failure  model server" in shown
    assert MODEL not in shown


def test_a_server_that_asks_for_a_key_is_kept(newcomer: Command) -> None:
    """How to give it a key is said, not asked."""
    with ModelServer(lambda _: Raw(status=401, body="no key")) as server:
        server.listing = Raw(status=401, body="no key")
        with terminal(newcomer, "init") as person:
            _enter(person, DATABASE).until(SERVER).type(server.url).until("asks for a key")
            shown = _enter(person, EVERY).ended()
    assert "llm-maint config set llm.api_key_file FILE" in shown


@pytest.mark.parametrize("option", ["--defaults", "--json"])
def test_nobody_is_asked_who_does_not_want_to(newcomer: Command, option: str) -> None:
    """Then no server is looked for either."""
    with _serving("small") as server:
        with terminal(_beside(newcomer, server), "init", option) as person:
            shown = person.ended()
        assert server.paths == []
    assert DATABASE not in shown
    assert list(_settings(newcomer)) == ["database.url"]


def test_without_a_terminal_nothing_is_read(newcomer: Command, tmp_path: Path) -> None:
    """What lies in standard input stays there, and no server is looked for."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ours = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    os.write(ours, b"answers\n")
    with _serving("small") as server:
        done = _beside(newcomer, server).reading(pipe, "init")
        assert server.paths == []
    assert os.read(ours, 100) == b"answers\n"
    os.close(ours)
    assert DATABASE not in done.out + done.errors
    assert [line.split()[0] for line in done.out.splitlines()[:3]] == [
        "settings",
        "database",
        "jobs",
    ]


def test_with_its_output_in_a_file_nobody_is_asked(newcomer: Command, tmp_path: Path) -> None:
    """Whoever sees no question would wait for ever."""
    with terminal(newcomer, "init", output=tmp_path / "out") as person:
        assert person.ended() == ""
    assert "settings" in (tmp_path / "out").read_text()


def test_the_options_do_it_all(newcomer: Command) -> None:
    """A script has what it had, and the line of the crontab."""
    options = [word for option in OPTIONS.values() for word in option]
    done = newcomer("init", *options, "--json").json
    assert done["jobs_added"] == list(DEFAULT_JOBS)
    assert (done["jobs_changed"], done["uses_model"], done["config_written"]) == ([], True, True)
    assert done["crontab"].endswith("/llm-maint run-due")
    assert done["next"][0] == "profile list"
    assert _settings(newcomer) == {
        "database.url": f"sqlite:///{newcomer.home}/here.db",
        "llm.base_url": "http://127.0.0.1:1/v1",
        "llm.model": "large",
        "profile_maintenance.interval_minutes": 120,
    }


def test_an_interval_that_is_given_again_changes_the_job(newcomer: Command) -> None:
    """Both the file and the job have it; without the option the job stays as it is."""
    command = newcomer.having(database_url=f"sqlite:///{newcomer.home}/memory.db")
    command("init", "--every", "2h")
    assert command("init", "--json").json["jobs_changed"] == []
    assert command("init", "--every", "90m", "--json").json["jobs_changed"] == [
        "profile-maintenance"
    ]
    assert command.job()["interval_minutes"] == 90
    assert _settings(command)["profile_maintenance.interval_minutes"] == 90
    assert "60m, 2h or 1d" in command("init", "--every", "soon", code=2).errors


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_made(
    newcomer: Command,
) -> None:
    """No tables in a database that nothing then leads to."""
    (newcomer.home / "file").write_text("")
    path = newcomer.home / "left.db"
    options = ("--config", "file/config.toml", "init", "--database-url", f"sqlite:///{path}")
    assert "cannot write" in newcomer(*options, code=78).errors
    assert not path.exists()


def test_a_job_of_another_name_is_the_job(newcomer: Command) -> None:
    """A repeat adds none of a type that is there: two would do the same work."""
    newcomer("init")
    newcomer("jobs", "edit", "profile-maintenance", "--name", "hourly-profiles")
    assert newcomer("init", "--every", "2h", "--json").json["jobs_added"] == []
    jobs = {job["name"]: job for job in newcomer("jobs", "list", "--json").json}
    assert len(jobs) == len(DEFAULT_JOBS)
    assert jobs["hourly-profiles"]["interval_minutes"] == 120


def test_the_default_database_is_written_down(newcomer: Command) -> None:
    """Its place follows from this environment, and cron has another."""
    data = newcomer.home / "data"
    environment = {**newcomer.environment, "XDG_DATA_HOME": str(data)}
    subprocess.run(newcomer.line("init"), env=environment, cwd=newcomer.home, check=True)
    shown = newcomer("config", "get", "database.url").out
    assert shown.strip() == f"sqlite:///{data}/llm-maint/memory.db"
    assert newcomer("run-due").errors == ""
