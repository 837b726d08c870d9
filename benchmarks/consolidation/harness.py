"""One model against one set: the installed command as real processes, on a database of its own."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from datasets import DataSet, Row
from kinds import Kind
from models import MODELS, NONE, SLY
from offline import policy_of, values_of
from oracle import Answer
from scoring import Metrics, failures, score
from served import Served, serving
from sly import Sly

from llm_maint.domain.loss_guard import ALWAYS_ALLOWED_LOSSES

CHECKOUT = Path(__file__).parents[2]
"""What is measured: the package that lies beside these scripts, wherever another is installed."""

HELD = 3
"""The exit code of a plan that waits for review."""

SLY_RUNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a model made of a set.

    `idle` tells that a second run asked and wrote nothing; `restored` that undoing everything
    brought every row back to the byte. None where it was not tried.
    """

    set: str
    model: str
    metrics: Metrics
    failed: Sequence[str]
    calls: int = 0
    prompt_tokens: int = 0
    held: bool = False
    idle: bool | None = None
    restored: bool | None = None
    title: str = "profiles"


@dataclass(frozen=True, slots=True)
class Place:
    """A database with the rows of one owner, and the command that works on it."""

    folder: Path
    kind: Kind
    owner: str
    address: str | None = None

    @property
    def file(self) -> Path:
        """The database."""
        return self.folder / "memory.db"

    def command(self, *arguments: str, allowed: Sequence[int] = (0,)) -> str:
        """Run a command and return what it printed; another exit code than allowed is an error."""
        done = subprocess.run(
            [sys.executable, "-m", "llm_maint", *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in allowed:
            raise RuntimeError(f"{arguments}: {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def consolidate(self) -> Mapping[str, Any]:
        """Consolidate and return the report."""
        text = self._about("consolidate", "--json", allowed=(0, HELD))
        found: Mapping[str, Any] = json.loads(text)
        return found

    def insert(self, documents: Sequence[Row]) -> None:
        """Import rows."""
        file = self.folder / "rows.json"
        file.write_text(json.dumps(documents), encoding="utf-8")
        self._about("import", str(file))
        file.unlink()

    def exported(self) -> list[Row]:
        """Return the rows that are exported: in an array, or one object a line."""
        text = self._about(*self.kind.export)
        if text.lstrip().startswith("["):
            return list(map(self.kind.row, json.loads(text)))
        return [self.kind.row(json.loads(line)) for line in text.splitlines() if line.strip()]

    def undo_all(self) -> None:
        """Undo every consolidation that was applied, the newest first."""
        plans = json.loads(self._about("plans", "-n", "1000", "--json"))
        for plan in reversed(plans):
            if plan["kind"] == "consolidation" and plan["status"] == "applied":
                self._about(*self.kind.undo, plan["plan_id"])

    def dump(self) -> str:
        """Return all that the database holds."""
        with closing(sqlite3.connect(self.file)) as connection:
            return "\n".join(connection.iterdump())

    def user_rows(self) -> list[tuple[Any, ...]]:
        """Return the assistant's own rows, all columns; summaries without the time of writing."""
        with closing(sqlite3.connect(self.file)) as connection:
            return [row for query in self.kind.queries for row in connection.execute(query)]

    def _about(self, *arguments: str, allowed: Sequence[int] = (0,)) -> str:
        """Run a command about the owner's rows."""
        return self.command(*self.kind.command(arguments, self.owner), allowed=allowed)

    def _environment(self) -> dict[str, str]:
        settings = {"LLM_MAINT_DATABASE_URL": f"sqlite:///{self.file}"}
        if self.address is not None:
            settings |= {"LLM_MAINT_LLM_BASE_URL": self.address, "LLM_MAINT_LLM_MODEL": "simulated"}
        home = str(self.folder)
        private = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home}
        python = {"PYTHONUTF8": "1", "PYTHONPATH": str(CHECKOUT)}
        return {"PATH": os.environ["PATH"], **python, **private, **settings}


@contextmanager
def imported(dataset: DataSet) -> Iterator[Place]:
    """Give a database with a set in it, to be copied for each model."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), dataset.kind, dataset.owner)
        place.command("init")
        place.insert(dataset.documents())
        yield place


def measured(dataset: DataSet, model: str, template: Place) -> Result:
    """Return what a model made of a set, beginning with a copy of a database."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(template.folder, folder, dirs_exist_ok=True)
        begin = partial(Place, Path(folder), dataset.kind, dataset.owner)
        if model == NONE:
            return _once(dataset, model, begin(), None)
        if model == SLY:
            sly = Sly(dataset)
            with serving(sly.reply) as served:
                return _many(dataset, begin(served.address), served, sly)
        with serving(_made(dataset, model)) as served:
            return _once(dataset, model, begin(served.address), served)


def _made(dataset: DataSet, model: str) -> Answer:
    return MODELS[model].make(dataset)


def _once(dataset: DataSet, model: str, place: Place, served: Served | None) -> Result:
    report = place.consolidate()
    calls, tokens = (served.calls, served.prompt_tokens) if served else (0, 0)
    before, after = place.dump(), place.exported()
    place.consolidate()  # of a plan that is held it reports the calls that made it
    idle = place.dump() == before and (served is None or served.calls == calls)
    metrics = score(dataset.rows, dataset.truth, report, after)
    failed = failures(metrics, NONE if model == NONE else MODELS[model].target)
    counted = [report[f"{dataset.kind.rows}_{when}"] for when in ("before", "after")]
    if counted != [len(dataset.rows), len(after)]:
        failed.append(f"the report counts {counted[0]} rows before and {counted[1]} after")
    return Result(
        set=dataset.name,
        model=model,
        metrics=metrics,
        failed=failed if idle else [*failed, "a second run asked or wrote"],
        calls=calls,
        prompt_tokens=tokens,
        held=bool(report["held"]),
        idle=idle,
        title=dataset.title,
    )


def _many(dataset: DataSet, place: Place, served: Served, sly: Sly) -> Result:
    """Consolidate again and again within the week that the loss guard looks at; undo it all."""
    begun, operations, lost, held = place.user_rows(), [], 0, False
    for _ in range(SLY_RUNS):
        sly.budget = allowed_losses(dataset) - lost
        report = place.consolidate()
        held = held or bool(report["held"])
        if report["applied"]:
            operations += report["operations"]
            lost += report["accounting"]["removed"] + report["accounting"]["superseded"]
    whole = {**report, "operations": operations, "accounting": {"kept": len(dataset.rows)}}
    metrics = score(dataset.rows, dataset.truth, whole, place.exported())
    place.undo_all()
    restored = place.user_rows() == begun
    failed = failures(metrics, MODELS[SLY].target)
    return Result(
        set=dataset.name,
        model=SLY,
        metrics=metrics,
        failed=failed if restored else [*failed, "undo left rows that are not as they were"],
        calls=served.calls,
        prompt_tokens=served.prompt_tokens,
        held=held,
        restored=restored,
        title=dataset.title,
    )


def allowed_losses(dataset: DataSet) -> int:
    """Return how many rows the loss guard lets go, which whoever reads the manual knows."""
    policy = policy_of(dataset)
    rows = [row for row in values_of(dataset) if not policy.protects(row)]
    facts = {row.fact for row in rows}
    return max(ALWAYS_ALLOWED_LOSSES, int(policy.max_loss_ratio * len(facts) + 1e-9))
