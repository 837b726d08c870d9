"""Writes the map of the rooms, from the floors and from what each module says of itself."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "llm_maint"

HEAD = """\
# Rooms

*This page is made of the code by `make docs`: each line is the first sentence of a module.*

The package is a stack of floors. A room imports only what is below it; `make layers` sees to it.
SQL is spoken in `store` alone, and `domain` is the standard library and nothing else, but for the
one library that knows cron expressions.

## The way of a due job, in six stops

1. **A tick starts.** `__main__` asks `bootstrap/quick.py` whether anything is due, through the
   database driver alone; most ticks end here. Else `ticking.py`, or `cli/run_due.py` where
   somebody watches, begins.
2. **A job is claimed.** `runner.py` has `store/queue.py` claim the next due job with one guarded
   `UPDATE`, and opens its run in the same transaction. The run's id is the fencing token.
3. **It is executed.** `execution.py` calls `run(context)` of the job's type, which is a file in
   `jobs/`. It is the only place where an exception becomes an outcome. `lease.py` renews the
   claim meanwhile.
4. **It works.** For a profile: `rounds.py` goes over the entities; `reading.py` reads one and
   says what there is to ask; `asking.py` asks the model, with no transaction open;
   `domain/judge.py` and the guards decide; `applying.py` has `store/journal.py` write, in a short
   transaction that checks the claim before it commits. Memories go by `recalling.py`,
   `portioning.py` and `likeness.py`.
5. **It is settled.** `domain/settlement.py`, a pure function, says what the outcome means for the
   run and for the next firing.
6. **It is recorded.** `store/claims.py` writes it, if the claim is still held; then the next job.
   At the end the exit code follows.

Where to look first: what may happen to a row, `domain/judge.py`; when a job runs,
`domain/schedule.py` and `domain/firing.py`; what is written and how it is put back,
`store/journal.py` and `store/undo.py`; how a model is asked, `domain/prompt.py`.

## The floors, from the top

"""


def page() -> str:
    """Return the page."""
    return HEAD + "".join(_floors()) + "".join(_packages())


def _floors() -> Iterator[str]:
    yield "| room | what it is for |\n|---|---|\n"
    for name in floors():
        path = PACKAGE / name
        shown = f"[`{name}/`](#{name})" if path.is_dir() else f"`{name}.py`"
        yield f"| {shown} | {_about(path / '__init__.py' if path.is_dir() else _file(name))} |\n"


def floors() -> list[str]:
    """Return the rooms from the top floor to the lowest, as the contract names them."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    return [room.strip() for layer in layers for room in layer.split("|")]


def _packages() -> Iterator[str]:
    for name in (room for room in floors() if (PACKAGE / room).is_dir()):
        yield f"\n## {name}\n\n| module | what it is for |\n|---|---|\n"
        for path in sorted((PACKAGE / name).glob("[!_]*")):
            if path.suffix == ".py":
                yield f"| `{path.name}` | {_about(path)} |\n"
            elif (path / "__init__.py").exists():
                yield f"| `{path.name}/` | {_about(path / '__init__.py')} |\n"


def _file(name: str) -> Path:
    return PACKAGE / f"{name}.py"


def _about(path: Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first = " ".join(said.split("\n\n", 1)[0].split())
    sentence = re.match(r".+?\.(?= [A-Z]|$)", first)
    return (sentence[0] if sentence else first).replace("|", "\\|")
