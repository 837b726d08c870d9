"""The peers' virtual environment: made once, with their own dependencies, beside the project's."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
DEFAULT = HERE.parents[1] / "build" / "peers"


def made(folder: Path) -> Path:
    """Return the folder of the environment's programs; make it where there is none as required."""
    stamp = folder / ".requirements"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "-r", str(REQUIREMENTS)], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return folder / "bin"


def version(programs: Path, package: str) -> str:
    """Return the version of a package that is installed there."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    line = [str(programs / "python"), "-c", code]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()
