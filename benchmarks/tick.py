"""What a tick costs: whole processes, against a Python that does nothing, in one run."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 15

COMMANDS = {
    "python that does nothing": [sys.executable, "-c", "pass"],
    "llm-maint --version": [sys.executable, "-m", "llm_maint", "--version"],
    "llm-maint run-due, nothing due": [sys.executable, "-m", "llm_maint", "run-due"],
}


def main() -> None:
    """Print the median of each command and its ratio to the first."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": folder,
            "LLM_MAINT_DATABASE_URL": f"sqlite:///{Path(folder) / 'memory.db'}",
        }
        for prepare in ("init", "run-due"):
            subprocess.run(
                [sys.executable, "-m", "llm_maint", prepare],
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        medians = {name: median(line, environment) for name, line in COMMANDS.items()}
    first = next(iter(medians.values()))
    for name, seconds in medians.items():
        print(f"{name:<32} {seconds * 1000:7.0f} ms  {seconds / first:5.1f} x")


def median(line: list[str], environment: dict[str, str]) -> float:
    """Return the median wall time of a command in seconds."""
    taken = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(line, env=environment, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
