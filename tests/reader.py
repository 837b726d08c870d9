"""A reader who types what a page says, in a home of their own."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from databases import Server
from forking import Streams, fork_server
from model_server import ModelServer, Raw
from pages import CHECKOUT, Block, Page
from stand_ins import OWN_NAME, REAL, STAND_INS, Ended
from transcript import commands, differences

HOME = "/home/you"
MODEL = "http://127.0.0.1:8080/v1"
SERVER = "postgresql://"
"""What the pages write for a home, a model server, and a database on a PostgreSQL server."""

ROLE = "llm_maint"
"""The role that a page makes, and connects as."""

RECORDED = json.loads((CHECKOUT / "examples/recorded_replies.json").read_text(encoding="utf-8"))


@dataclass(slots=True)
class Reader:
    """Types commands; `places` are what a page writes -> what is meant here."""

    home: Path
    page: str
    places: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    last_code: int = 0

    def type_all(self, block: Block) -> None:
        """Type a block; every command must end and print as the block says."""
        for typed in commands(block.lines, block.number):
            where = f"{self.page}:{typed.number}: {typed.command}"
            code, out = self._typed(self._here(typed.command))
            assert code == typed.code, f"{where}: exit {code}\n{out}"
            if typed.shown is not None:
                different = differences(typed.shown, self._there(out), self.ids)
                assert not different, f"{where}\n{different}"

    def save(self, block: Block) -> None:
        """Write a block that has the name of a file to that file."""
        path = self.home / block.words[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._here("\n".join(block.lines)) + "\n", encoding="utf-8")

    def run(self, words: Sequence[str], given: str) -> Ended:
        """Run one program."""
        program, *arguments = words
        program = program.rsplit("/", 1)[-1]
        if program == OWN_NAME:
            return self._own(arguments, given)
        if program in STAND_INS:
            return Ended(0, STAND_INS[program](self, arguments, given), "")
        assert program in REAL, f"{program}: neither harmless nor with a stand-in"
        done = subprocess.run(
            [program, *arguments],
            cwd=self.home,
            env=self._environment(),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def _typed(self, line: str) -> tuple[int, str]:
        """Run a line of programs that `;`, `&&`, `|`, `<` and `>` join."""
        lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
        lexer.whitespace_split = True
        shown, given, words = "", "", list[str]()
        for token in [*lexer, ";"]:
            if token not in (";", "&&", "|"):
                words.append(token)
                continue
            ended = self._simple(words, given)
            self.last_code, words = ended.code, []
            given = ended.out if token == "|" else ""
            shown += ended.errors if token == "|" else ended.errors + ended.out
            if token == "&&" and ended.code:
                break
        return self.last_code, shown

    def _simple(self, words: list[str], given: str) -> Ended:
        words = [self._expanded(word) for word in words]
        if words[0] == "export":
            self._set(words[1])
            return Ended(0, "", "")
        kept = dict(self.variables)
        while re.match(r"[A-Z_]+=", words[0]):
            self._set(words.pop(0))
        to = ""
        for sign in ("<", ">"):
            if sign in words:
                at = words.index(sign)
                name, words = words[at + 1], words[:at] + words[at + 2 :]
                to = name if sign == ">" else to
                given = (self.home / name).read_text(encoding="utf-8") if sign == "<" else given
        ended = self.run(words, given)
        self.variables = kept
        if to:
            (self.home / to).write_text(ended.out, encoding="utf-8")
        return ended._replace(out="") if to else ended

    def _set(self, assignment: str) -> None:
        name, _, value = assignment.partition("=")
        self.variables[name] = value

    def _expanded(self, word: str) -> str:
        word = word.replace("$?", str(self.last_code))
        word = re.sub(r"^~(?=/|$)|\$HOME\b", str(self.home), word)
        for name, value in self.variables.items():
            word = word.replace(f"${name}", value)
        return word

    def _own(self, arguments: Sequence[str], given: str) -> Ended:
        with TemporaryDirectory() as folder:
            streams = Streams(*(str(Path(folder, name)) for name in ("in", "out", "errors")))
            Path(streams.input).write_text(given, encoding="utf-8")
            server = fork_server()
            code = server.wait(server.start(self._environment(), self.home, arguments, streams))
            printed, told = (Path(name).read_text(encoding="utf-8") for name in streams[1:])
            return Ended(code, printed, told)

    def _environment(self) -> dict[str, str]:
        # Packages that a page has installed are found as if they stood beside ours.
        fixed = {"PATH": "/usr/bin:/bin", "HOME": str(self.home)}
        return {**fixed, "PYTHONPATH": str(self.home / "site"), **self.variables}

    def _here(self, text: str) -> str:
        for known in (self.places, self.ids):
            for written, meant in known.items():
                text = text.replace(written, meant)
        return text

    def _there(self, text: str) -> str:
        for written, meant in self.places.items():
            text = text.replace(meant, written)
        return text


@contextmanager
def reading(page: Page, home: Path, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """Give a reader all that the page speaks of: a model server, a PostgreSQL, the checkout."""
    for name in ("examples", "deploy"):
        (home / name).symlink_to(CHECKOUT / name)
    reader = Reader(home, page.name, {HOME: str(home)})
    with ExitStack() as stack:
        typed = "\n".join(line for block in page.blocks() for line in block.lines)
        if MODEL in typed:
            server = stack.enter_context(ModelServer(_reply, models=["your-model"]))
            reader.places[MODEL] = server.url
        if SERVER in typed:
            stack.enter_context(_databases(request.getfixturevalue("postgresql"), reader, typed))
        yield reader


_DATABASE = re.compile(r"postgresql://(?P<user>\w+)[\w:.@-]*/(?P<name>\w+)")


@contextmanager
def _databases(server: Server, reader: Reader, typed: str) -> Iterator[None]:
    """Make each database that is typed, for whichever users are named with it."""
    made: dict[str, str] = {}
    for found in _DATABASE.finditer(typed):
        url = made[found["name"]] = made.get(found["name"]) or server.create()
        meant = sa.make_url(url)
        meant = meant.set(username=ROLE) if found["user"] == ROLE else meant
        reader.places[found[0]] = meant.render_as_string(hide_password=False)
    try:
        yield
    finally:
        for url in made.values():
            server.drop(url)
        server.connection.execute(f"DROP ROLE IF EXISTS {ROLE}".encode())


def _reply(body: dict[str, Any]) -> str | Raw:
    """Answer as recorded for the sample profile; of any other rows call greetings noise."""
    asked = json.loads(body["messages"][-1]["content"])
    keys = [row.get("key") for row in asked["rows"]]
    found = next((each["reply"] for each in RECORDED if each["rows"] == keys), None)
    greetings = [row["id"] for row in asked["rows"] if str(row.get("value")).startswith("said ")]
    reply = found or {
        "groups": [],
        "remove": [{"reason": "a greeting", "id": each, "why": "noise"} for each in greetings],
        "reviewed": [row["id"] for row in asked["rows"]],
    }
    return json.dumps({"nonce": asked.get("nonce"), **reply})
