"""From nothing to the first consolidated profile: the seconds of each step.

A new virtual environment in a temporary directory, `pip install` of this checkout, and then the
commands of a person who has neither a database nor a model server: an SQLite file, the sample
profile, and the replay server in the place of a model.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
EXAMPLES = CHECKOUT / "examples"


def main() -> None:
    """Measure once; end with 1 where the profile was not consolidated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-cache", action="store_true", help="let pip load every package anew")
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "replay_server.py")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        with tempfile.TemporaryDirectory(prefix="llm-maint-first-") as folder:
            _measure(Path(folder), server.stdout.readline().strip(), cached=not options.no_cache)
    finally:
        server.terminate()
        server.wait()


def _measure(folder: Path, model: str, *, cached: bool) -> None:
    binaries = folder / "venv/bin"
    install = ["install", "--quiet", "--disable-pip-version-check"]
    install += [] if cached else ["--no-cache-dir"]
    tool = str(binaries / "llm-maint")
    database = f"sqlite:///{folder}/memory.db"
    consolidate = [tool, "profile", "consolidate", "--entity", "nick", "--json"]
    steps: list[tuple[str, list[str]]] = [
        ("python -m venv", [sys.executable, "-m", "venv", str(folder / "venv")]),
        ("pip install", [str(binaries / "python"), "-m", "pip", *install, str(CHECKOUT)]),
        ("init", [tool, "init", "--database-url", database, "--llm-base-url", model]),
        ("profile import", [tool, "profile", "import", str(EXAMPLES / "profile.json")]),
        ("profile consolidate", consolidate),
    ]
    print("| step | seconds |\n|---|---|")
    total, printed = 0.0, ""
    for name, words in steps:
        before = time.perf_counter()
        printed = subprocess.run(
            words,
            env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), **_own(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        took = time.perf_counter() - before
        total += took
        print(f"| {name} | {took:.1f} |", flush=True)
    print(f"| together | {total:.1f} |")
    done = json.loads(printed)
    print(f"\n{done['attributes_before']} attributes before, {done['attributes_after']} after")
    if not done["applied"]:
        sys.exit(1)


def _own(folder: Path) -> dict[str, str]:
    """Return the variables that keep all but pip's cache out of this user's home."""
    return {"LLM_MAINT_CONFIG": f"{folder}/config.toml", "XDG_DATA_HOME": f"{folder}/data"}


if __name__ == "__main__":
    main()
