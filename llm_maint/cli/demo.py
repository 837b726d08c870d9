"""`llm-maint demo`: the main job on sample data, in a temporary directory, by the real commands."""

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

import llm_maint
from llm_maint.bootstrap.process import environment_with
from llm_maint.cli.session import Session, leave, session_of
from llm_maint.errors import ConfigurationError, ExitCode

STEPS: tuple[tuple[str, str], ...] = (
    ("The database, and the jobs that every installation has.", "init --database-url {database}"),
    ("What an assistant noted about a person over two years.", "profile import {rows}"),
    ("Before.", "profile show --entity nick"),
    ("The plan: the model groups, code decides.", "profile consolidate --entity nick --dry-run"),
    ("What cron starts every minute: the job is due, so it runs.", "run-due"),
    ("After.", "profile show --entity nick"),
    ("What the assistant can put into its system prompt.", "profile prompt --entity nick"),
    ("The recorded runs, and the plan that can be undone.", "runs tail"),
    ("", "profile plans"),
)

NEXT = """\
Try next, on your own assistant:
  llm-maint init --database-url postgresql://... --llm-base-url http://...
  llm-maint profile list
  llm-maint profile consolidate --entity NAME --dry-run
  llm-maint profile undo PLAN"""


def demo(ctx: typer.Context) -> None:
    """Run the main job on sample data in a temporary directory; needs no server and no key.

    Example: llm-maint demo
    """
    session = session_of(ctx)
    with tempfile.TemporaryDirectory(prefix="llm-maint-demo-") as folder, _model(session) as model:
        environment = environment_with({**model, "LLM_MAINT_CONFIG": f"{folder}/config.toml"})
        places = {
            "database": f"sqlite:///{folder}/memory.db",
            "rows": shlex.quote(str(_examples() / "profile.json")),
        }
        for title, command in STEPS:
            _step(session, title, command.format_map(places), environment)
    session.out.say("")
    session.out.raw(NEXT)


def _step(session: Session, title: str, command: str, environment: Mapping[str, str]) -> None:
    session.out.say("")
    if title:
        session.out.say(f"# {title}")
    session.out.say(f"$ llm-maint {command}")
    done = subprocess.run(  # noqa: S603 our own commands
        [sys.executable, "-m", "llm_maint", *shlex.split(command)],
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode not in (ExitCode.OK, ExitCode.HELD):
        session.out.say("The demo ends here: the command above failed.")
        leave(ExitCode(done.returncode))


@contextmanager
def _model(session: Session) -> Iterator[dict[str, str]]:
    """Yield the settings of the model server: the user's own, or the replay."""
    loaded = session.loaded()
    if loaded.origins["llm.base_url"] == "environment":
        session.out.say(f"The model server is yours: {loaded.shown('llm.base_url')}")
        yield loaded.environment_of("llm")
        return
    session.out.say("The model of this demo is simulated: a small server on loopback replays")
    session.out.say("recorded replies for the sample profile, two wrong proposals included.")
    session.out.say("With LLM_MAINT_LLM_BASE_URL set, your own server is asked instead.")
    with subprocess.Popen(  # noqa: S603 our own server
        [sys.executable, str(_examples() / "replay_server.py")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            yield {"LLM_MAINT_LLM_BASE_URL": server.stdout.readline().strip()}
        finally:
            server.terminate()


def _examples() -> Path:
    package = Path(llm_maint.__file__).parent
    for folder in (package / "examples", package.parent / "examples"):
        if (folder / "profile.json").exists():
            return folder
    raise ConfigurationError("the sample data of the demo is not installed")
