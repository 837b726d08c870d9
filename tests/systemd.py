"""What systemd itself says of unit files; it need not run for that."""

import shutil
import subprocess
from pathlib import Path

ANALYZE = shutil.which("systemd-analyze")
"""Where it is installed, None where it is not."""


def analyzed(
    *arguments: str | Path, runtime: Path = Path("/nonexistent")
) -> "subprocess.CompletedProcess[str]":
    """Ask systemd; for a user's units it wants a directory for what runs."""
    assert ANALYZE is not None
    return subprocess.run(
        [ANALYZE, *map(str, arguments)],
        env={
            "PATH": "/usr/bin:/bin",
            "SYSTEMD_PAGER": "cat",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "HOME": str(runtime),
            "XDG_RUNTIME_DIR": str(runtime),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
