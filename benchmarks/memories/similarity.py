"""What it takes to find which memories look alike, beside the plain way of comparing all with all.

`python benchmarks/memories/similarity.py` from the checkout; ends with 1 where a target is missed.
Each figure is of a process of its own, on one thread, whose input is what a caller has: a list of
packed vectors. Seconds are of its processor, without start and input; the peak is of all of it.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

THRESHOLD, PARAPHRASE = 0.75, 0.90
"""The least cosine of a pair, and of a paraphrase."""

WHOLE = 25_000
"""Up to so many rows the plain way is measured as a whole; beyond, on a stripe of rows."""

STRIPE = 6_000
BLOCK = 500
"""Rows that the plain way multiplies with all others at a time."""

NEW = 100
"""Rows of an incremental run."""

OURS, PLAIN, FEW = "llm-maint", "all pairs", f"llm-maint, {NEW} new rows"

MAKE = "make the vectors"

RECALL, PEAK, SECONDS = 0.99, 1_024, 35
"""The targets: the least recall, and the most MiB and seconds."""

ROWS, DIMENSIONS = (12_500, 25_000, 50_000, 100_000), 384
"""What is measured, and the most of either for which the MiB and the seconds are judged."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A way, and what it took: seconds of processor time, MiB at the peak."""

    way: str
    rows: int
    seconds: float
    peak: float
    measured: int
    """Of how many rows the seconds were measured, before they were scaled up."""


Pairs = dict[tuple[int, int], float]


def main() -> None:
    """Measure each way with each number of rows; print a table, the growth, and the targets."""
    given = _arguments()
    if given.child:
        _do(given)
        return
    found: list[Measured] = []
    recalls: list[tuple[float, float]] = []
    print("| rows | way | seconds | peak MiB | pairs | recall | of look-alikes |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as folder:
            made = ("--dimensions", str(given.dimensions), "--seed", str(given.seed))
            _process(Path(folder), MAKE, rows, *made)
            few = [FEW] if rows == max(given.rows) else []
            for way in (PLAIN, OURS, *few):
                measured, pairs = _measure(way, Path(folder), rows)
                found.append(measured)
                if way == PLAIN:
                    truth = pairs
                cells = _recalls(truth, pairs) if way == OURS else None
                recalls += [cells] if cells else []
                _print(measured, len(pairs), cells)
    _print_growth(found)
    judged = found if given.dimensions <= DIMENSIONS else []
    sys.exit(not _met(judged, recalls))


def _measure(way: str, folder: Path, rows: int) -> tuple[Measured, Pairs]:
    """Let a process of its own measure a way."""
    told = json.loads(_process(folder, way, rows))
    return Measured(**told["measured"]), {(one, other): c for one, other, c in told["pairs"]}


def _process(folder: Path, task: str, rows: int, *more: str) -> str:
    """Return what a process prints that has one thread.

    This process stays small, and imports no numbers: on Linux the peak of a process begins as that
    of its parent.
    """
    line = [sys.executable, __file__, "--child", task, "--folder", str(folder), "--rows", str(rows)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **threads, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(
        [*line, *more], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return ended.stdout


def _do(given: argparse.Namespace) -> None:
    """Do in this process what it was started for."""
    folder, rows = Path(given.folder), given.rows[0]
    if given.child == MAKE:
        from embeddings import embeddings

        embeddings(rows, given.dimensions, given.seed).tofile(folder / "vectors")
    else:
        _child(given.child, folder, rows)


def _child(way: str, folder: Path, rows: int) -> None:
    """Measure a way in this process; print what it took and what it found."""
    size = (folder / "vectors").stat().st_size // rows
    with (folder / "vectors").open("rb", buffering=size * 64) as file:
        vectors = [file.read(size) for _ in range(rows)]
    import_module("numpy" if way == PLAIN else "llm_maint.similarity.search")
    begun = time.process_time()
    pairs, measured = WAYS[way](vectors)
    seconds = time.process_time() - begun
    if measured < rows and way == PLAIN:  # of the whole, each pair would be looked at once
        seconds *= rows / measured / 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = asdict(Measured(way, rows, seconds, peak, measured))
    json.dump({"measured": told, "pairs": pairs}, sys.stdout)


def _ours(vectors: Sequence[bytes]) -> tuple[list[Any], int]:
    from llm_maint.similarity.search import alike

    found = alike(vectors, threshold=THRESHOLD)
    return [(each.one, each.other, each.cosine) for each in found], len(vectors)


def _few(vectors: Sequence[bytes]) -> tuple[list[Any], int]:
    from llm_maint.similarity.search import alike

    found = alike(vectors, threshold=THRESHOLD, wanted=range(len(vectors) - NEW, len(vectors)))
    return [(each.one, each.other, each.cosine) for each in found], NEW


def _plain(vectors: Sequence[bytes]) -> tuple[list[Any], int]:
    """Multiply blocks of rows with all that follow; or, of a stripe of the rows, with all."""
    import numpy as np

    units = np.frombuffer(b"".join(vectors), "<f4").reshape(len(vectors), -1)
    units = units / np.linalg.norm(units, axis=1, keepdims=True)
    whole = len(vectors) <= WHOLE
    found: Pairs = {}
    for start in range(0, len(vectors) if whole else STRIPE, BLOCK):
        first = start if whole else 0
        similarity = units[start : start + BLOCK] @ units[first:].T
        for one, other in zip(*np.nonzero(similarity >= THRESHOLD), strict=True):
            pair = sorted((int(one) + start, int(other) + first))
            if pair[0] < pair[1]:
                found[pair[0], pair[1]] = float(similarity[one, other])
    return [(*pair, cosine) for pair, cosine in found.items()], len(vectors) if whole else STRIPE


WAYS: Mapping[str, Callable[[Sequence[bytes]], tuple[list[Any], int]]] = {
    OURS: _ours,
    PLAIN: _plain,
    FEW: _few,
}


def _recalls(truth: Pairs, found: Pairs) -> tuple[float, float]:
    """Return how many of the true pairs were found, and of those that are no paraphrases."""
    hard = {pair for pair, cosine in truth.items() if cosine < PARAPHRASE}
    return tuple(len(some & found.keys()) / max(len(some), 1) for some in (truth.keys(), hard))


def _print(measured: Measured, pairs: int, recalls: tuple[float, float] | None) -> None:
    scaled = " (scaled up)" if measured.way == PLAIN and measured.measured < measured.rows else ""
    told = [f"{each:.4f}" for each in recalls] if recalls else ["", ""]
    cells = [f"{measured.rows:,}", measured.way, f"{measured.seconds:.2f}{scaled}"]
    cells += [f"{measured.peak:,.0f}", f"{pairs:,}{' in the stripe' if scaled else ''}", *told]
    print(f"| {' | '.join(cells)} |", flush=True)


def _print_growth(found: Sequence[Measured]) -> None:
    print(f"\nscaled up: measured on {STRIPE:,} rows, as if each pair were looked at once")
    for way in (PLAIN, OURS):
        some = [each for each in found if each.way == way]
        if len(some) > 1:
            logs = [(math.log(each.rows), math.log(each.seconds)) for each in some]
            slope = statistics.linear_regression(*zip(*logs, strict=True)).slope
            steps = ", ".join(f"{b.seconds / a.seconds:.1f}" for a, b in pairwise(some))
            print(
                f"{way}: seconds grow as rows to the power of {slope:.2f} (step by step x {steps})"
            )
    last = {each.way: each.seconds for each in found}
    print(f"all pairs takes {last[PLAIN] / last[OURS]:.1f} times as long at the most rows")


def _met(found: Sequence[Measured], recalls: Sequence[tuple[float, float]]) -> bool:
    ours = [each for each in found if each.way == OURS and each.rows <= max(ROWS)]
    checks = {
        f"recall of at least {RECALL}": all(whole >= RECALL for whole, _ in recalls),
        f"at most {PEAK:,} MiB": all(each.peak <= PEAK for each in ours),
        f"at most {SECONDS} seconds": all(each.seconds <= SECONDS for each in ours),
    }
    for name, met in checks.items():
        print(f"{name}: {'met' if met else 'MISSED'}")
    return all(checks.values())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--dimensions", type=int, default=DIMENSIONS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
