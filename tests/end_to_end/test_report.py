"""`llm-maint report`: one private file about all that was done, however much that was."""

import json
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from command import Command, row
from databases import opened
from outline import Outline
from report_values import HOSTILE
from reporting import AS_INIT_HAS_THEM, lived

MEGABYTE = 1_000_000


def page(command: Command, *arguments: str) -> Outline:
    """Return the page that a command writes to its standard output."""
    return Outline(command("report", *arguments).out)


def said(command: Command, *arguments: str) -> str:
    """Return what it says, each space once."""
    return " ".join(page(command, *arguments).text.split())


def test_it_tells_what_was_done(command: Command) -> None:
    """Health, runs, jobs and, of each change, what was before and after and how to undo it."""
    command("run-due")
    text = said(command)
    assert "All is well." in text
    assert "5 jobs" in text
    assert "profile-maintenance" in text
    assert "nick consolidation: 7 → 6 rows, 1 merged applied" in text
    assert "[1] fact: favorite_color = blue inferred, 0.8 gone into [2]" in text
    assert "llm-maint profile undo" in text
    assert "7 inserted" in text


@pytest.mark.parametrize("command", ["postgresql"], indirect=True)
def test_the_database_is_named_without_its_password(command: Command) -> None:
    """As everywhere; nor is the key of the model server in it."""
    url = sa.make_url(command.settings["database_url"]).set(password="hunter2")
    told = command.having(
        database_url=url.render_as_string(hide_password=False), llm_api_key="sk-secret"
    )
    found = told("report").out
    assert str(url.database) in found
    assert "hunter2" not in found
    assert "sk-secret" not in found


def test_a_file_is_private_and_whole(sqlite_command: Command) -> None:
    """Only its owner can read it, also where another lay open there; nothing else is left."""
    folder = sqlite_command.home / "reports"
    folder.mkdir()
    path = folder / "report.html"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    done = sqlite_command("report", "-o", str(path), "--days", "7")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert list(folder.iterdir()) == [path]
    assert done.out.startswith(f"{path}: ")
    assert done.out.endswith("for your eyes only (mode 0600)\n")
    assert done.errors == ""


def test_json_tells_what_was_written(sqlite_command: Command) -> None:
    """To the file of its own name, where none is given."""
    sqlite_command("run-due")
    told = sqlite_command("report", "--json").json
    path = sqlite_command.home / "llm-maint-report.html"
    assert told == {
        "path": str(path),
        "bytes": path.stat().st_size,
        "days": 30,
        "runs": 5,
        "plans": 2,
        "plans_shown": 2,
        "values": True,
    }


def test_a_page_is_whole_in_any_encoding(sqlite_command: Command) -> None:
    """What a stream cannot hold is written as HTML writes it: the page says that it is UTF-8."""
    rows = [row("name", "Zoë Ωmega")]
    sqlite_command("profile", "import", "-", stdin=json.dumps(rows))
    environment = {**sqlite_command.environment, "PYTHONIOENCODING": "latin-1"}
    line = sqlite_command.line("report")
    done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, check=True)
    assert "Zoë Ωmega" in Outline(done.stdout.decode()).text


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("-o", "-", "--json"), "standard output cannot be both the report and JSON"),
        (("-o", "."), "cannot write .: it is a directory"),
        (("-o", "nowhere/report.html"), "cannot write nowhere/report.html: no such directory"),
        (("--entity", "nik"), "nick"),
        (("--days", "0"), "--days"),
    ],
)
def test_what_cannot_be_done_is_refused(
    sqlite_command: Command, arguments: tuple[str, ...], error: str
) -> None:
    """Before anything is written."""
    assert error in sqlite_command("report", *arguments, code=2).errors
    assert not list(sqlite_command.home.glob("*.html"))


def test_a_report_may_be_about_some_entities(sqlite_command: Command) -> None:
    """Of the others no change is told; the page says so."""
    rows = [row("pet", "has a cat named Miso", entity_id="anna")]
    sqlite_command("profile", "import", "-", stdin=json.dumps(rows))
    text = page(sqlite_command, "--entity", "Anna").text
    assert "Miso" in text
    assert "peanuts" not in text
    assert "Changes and sizes are those of Anna alone" in text
    both = page(sqlite_command, "--entity", "anna", "--entity", "nick").text
    assert "Miso" in both
    assert "peanuts" in both


def test_a_report_may_be_shared(command: Command) -> None:
    """Without values nothing is in it that a row says: text, key, source or reason."""
    words = "Quagga"
    rows = [row(f"{words}_key", f"{words} {n % 2}", category=words, source=words) for n in range(9)]
    command("profile", "import", "-", stdin=json.dumps(rows))
    memories = [{"id": str(n), "content": f"{words} {n % 2}", "tags": [words]} for n in range(4)]
    command("memory", "import", "-", "--bot", "nova", stdin=json.dumps(memories))
    command("run-due")
    assert words in page(command).text
    shared = page(command, "--no-values")
    assert words.lower() not in shared.text.lower()
    assert "4 → 2 rows, 2 merged" in shared.text
    assert "What rows say is left out" in shared.text


def test_hostile_rows_are_texts(command: Command) -> None:
    """By the whole way, from an import and a memory to the page."""
    texts = [text for name, text in HOSTILE.items() if name not in ("half", "long")]
    texts = [text.replace("\0", "").encode("utf-8", "ignore").decode() for text in texts]
    rows: list[dict[str, Any]] = [
        row(f"k{n}", {"value": text, text[:20]: n}, source=text[:50], entity_id=texts[0][:90])
        for n, text in enumerate(texts)
    ]
    command("profile", "import", "-", stdin=json.dumps(rows))
    memories = [{"id": f"{n}{text}"[:36], "content": text} for n, text in enumerate(texts)]
    command("memory", "import", "-", "--bot", "nova", stdin=json.dumps(memories))
    found = page(command)
    assert not {"script", "img", "base", "form"} & {line.split()[0] for line in found.found}
    assert HOSTILE["script"] in found.text


def test_a_year_is_less_than_a_megabyte(tmp_path: Path, ready_sqlite: Path) -> None:
    """Of hourly runs and thousands of changes: the newest are in it, how many are left is said."""
    path = tmp_path / "memory.db"
    path.write_bytes(ready_sqlite.read_bytes())
    database = opened(f"sqlite:///{path}")
    lived(database, now=datetime.now(UTC), days=365, changes=3_000, every=AS_INIT_HAS_THEM)
    database.close()
    command = Command(tmp_path, {"database_url": f"sqlite:///{path}"})
    told = command("report", "--days", "365", "-o", "report.html", "--json").json
    assert told["runs"] > 8_760 + 3 * 1_460
    assert (told["plans"], told["bytes"] < MEGABYTE) == (3_013, True)
    assert 50 < told["plans_shown"] < told["plans"]
    text = Outline((tmp_path / "report.html").read_text(encoding="utf-8")).text
    left = told["plans"] - told["plans_shown"]
    assert f"{left:,} older ones are left out" in text
    assert "llm-maint profile plans -n 3011" in text
    assert "Runs are kept for 30 days" in text


def test_what_was_undone_is_told(sqlite_command: Command) -> None:
    """With its status, and what the undo put back."""
    sqlite_command("run-due")
    listed = sqlite_command("profile", "plans", "--json").json
    (plan,) = [each for each in listed if each["kind"] == "consolidation"]
    sqlite_command("profile", "undo", plan["plan_id"])
    text = said(sqlite_command)
    assert "1 merged undone" in text
    assert "1 restored applied" in text
    assert f"It undid plan {plan['plan_id'][:8]}." in text
