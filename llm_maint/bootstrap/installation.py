"""How llm-maint is installed here: its files, who can read them, and whether they are compiled."""

import os
import platform
import shlex
import sys
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

import llm_maint
from llm_maint.domain.checkup import Check, State
from llm_maint.errors import ExitCode

if TYPE_CHECKING:
    from llm_maint.settings.sections import Settings

OTHERS = 0o077
"""What nobody but its owner may do with a file that holds a secret."""


def settings_check(file: Path | None) -> Check:
    """Return whether there is a settings file, and whether others can read it."""
    name = "settings"
    if file is None:
        found = "no file: defaults and environment"
        return Check(name=name, state=State.WARNING, found=found, mend="llm-maint init")
    return _private(name, file, f"{file} can be read by others, and may hold secrets")


def key_check(settings: "Settings", credential: Path | None) -> Iterator[Check]:
    """Tell where the model server's key comes from, and whether others can read it.

    Args:
        settings: all of them.
        credential: the file in which systemd hands the key over, None where it does not.

    """
    name, llm = "key", settings.llm
    if not llm.uses_model:
        return
    if llm.api_key.get_secret_value():
        yield _ok(name, "in the settings themselves")
    elif credential is not None and credential.stat().st_size > 1:  # one with no key is empty
        yield _ok(name, "handed over by systemd")
    elif llm.api_key_file:
        yield _key_file_check(name, Path(llm.api_key_file).expanduser())
    elif llm.api_key_command:
        yield _ok(name, "printed by llm.api_key_command")
    else:
        yield _ok(name, "none: a server of your own may need none")


def program_check() -> Check:
    """Tell which version runs on which Python, and whether its modules are compiled.

    Python compiles what it imports and keeps it beside the source, where it may write there. Where
    not, each start compiles everything anew, and takes several times as long.
    """
    name = "program"
    found = f"llm-maint {llm_maint.__version__}, Python {platform.python_version()}"
    packages = {_package_of(file) for file in _sources() if not _is_compiled(file)}
    if not packages:
        return _ok(name, found)
    folders = packages if len(packages) == 1 else {package.parent for package in packages}
    where = " ".join(shlex.quote(str(folder)) for folder in sorted(folders))
    return Check(
        name=name,
        state=State.WARNING,
        found=f"{found}; not compiled to bytecode: each tick takes longer",
        mend=f"{sys.executable} -m compileall -q {where}",
    )


def _key_file_check(name: str, file: Path) -> Check:
    if not os.access(file, os.R_OK):
        found = f"cannot read {file} (llm.api_key_file)"
        return Check(
            name=name,
            state=State.FAILURE,
            found=found,
            mend=f"ls -l {file}",
            exit_code=ExitCode.CONFIGURATION,
        )
    return _private(name, file, f"{file} can be read by others")


def _private(name: str, file: Path, otherwise: str) -> Check:
    if file.stat().st_mode & OTHERS:
        mend = f"chmod 600 {file}"
        return Check(name=name, state=State.WARNING, found=otherwise, mend=mend)
    return _ok(name, str(file))


def _sources() -> Iterator[Path]:
    """Yield the files of our modules, and of those that a tick needs from elsewhere."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name.partition(".")[0] in _WATCHED and file.endswith(".py"):
            yield Path(file)


_WATCHED = {"llm_maint", "psycopg", "pydantic", "sqlalchemy", "sqlmodel", "typer"}


def _is_compiled(file: Path) -> bool:
    return Path(cache_from_source(str(file))).exists()


def _package_of(file: Path) -> Path:
    return next(folder for folder in file.parents if folder.name in _WATCHED)


def _ok(name: str, found: str) -> Check:
    return Check(name=name, state=State.OK, found=found)
