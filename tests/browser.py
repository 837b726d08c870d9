"""A browser for tests: the system's Chromium, without a window, by two pipes."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
"""Where it is installed, None where it is not."""

SECONDS = 30
"""Nothing here takes longer, however busy the machine is."""

OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
"""Root has no sandbox, a test no network: every name is unknown, whoever asks for it."""

_HIGH = 20
"""From here on file descriptors are nobody's: the browser reads 3 and writes 4."""


@dataclass
class Browser:
    """A browser at work."""

    process: "subprocess.Popen[bytes]"
    commands: int
    answers: int
    numbers: Iterator[int] = field(default_factory=count)
    events: list[dict[str, Any]] = field(default_factory=list)
    rest: bytes = b""

    def send(self, method: str, session: str | None = None, **parameters: Any) -> Any:  # noqa: ANN401
        """Give a command of its protocol; return what it answers. What it tells besides is kept."""
        number = next(self.numbers)
        command: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session is not None:
            command["sessionId"] = session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while True:
            told = self.told()
            if told.get("id") == number:
                assert "error" not in told, f"{method}: {told['error']}"
                return told["result"]
            self.events.append(told)

    def told(self) -> dict[str, Any]:
        """Return the next thing that it tells."""
        deadline = time.monotonic() + SECONDS
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.answers], [], [], deadline - time.monotonic())
            found = os.read(self.answers, 1 << 20) if ready else b""
            assert found, "the browser tells nothing any more"
            self.rest += found
        message, _, self.rest = self.rest.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told

    def tab(self) -> "Tab":
        """Open a tab, and listen to what becomes of it."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        tab = Tab(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            tab.send(f"{domain}.enable")
        return tab


@dataclass(frozen=True)
class Tab:
    """A tab of a browser."""

    browser: Browser
    session: str

    def send(self, method: str, **parameters: Any) -> Any:  # noqa: ANN401 any JSON
        """Give a command about this tab."""
        return self.browser.send(method, self.session, **parameters)

    def open(self, page: Path) -> None:
        """Show a file, to its last part."""
        self.browser.events.clear()
        self.send("Page.navigate", url=page.as_uri())
        while not self.told("Page.loadEventFired"):
            self.browser.events.append(self.browser.told())
        # What a page begins as it loads is told before this is answered.
        self.ask("new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")

    def told(self, method: str) -> list[dict[str, Any]]:
        """Return what the tab told of one kind since its page was opened."""
        return [each["params"] for each in self.browser.events if each.get("method") == method]

    def ask(self, expression: str) -> Any:  # noqa: ANN401 any JSON
        """Return the value of an expression of JavaScript; the page's own policy is not asked."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def sized(self, width: int, height: int = 900) -> None:
        """Give the page so many pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def seen_by(self, *, media: str = "", **features: str) -> None:
        """Show the page as a medium, or to a person, who wants it so."""
        wanted = [{"name": n.replace("_", "-"), "value": value} for n, value in features.items()]
        self.send("Emulation.setEmulatedMedia", media=media, features=wanted)

    def press(self, key: str) -> None:
        """Press a key."""
        code = {"Tab": 9, "Enter": 13}[key]
        given = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **given, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **given)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start a browser with an empty home; end it, and remove what it has left."""
    assert PROGRAM is not None
    home = Path(tempfile.mkdtemp(prefix="llm-maint-browser-"))
    theirs_to_read, commands = _pipe()
    answers, theirs_to_write = _pipe()
    joined = f'exec "$@" 3<&{theirs_to_read} 4>&{theirs_to_write}'
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "/bin/bash",
                "-c",
                joined,
                "browser",
                PROGRAM,
                *OPTIONS,
                f"--user-data-dir={home}/user",
            ],
            env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
            pass_fds=(theirs_to_read, theirs_to_write),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    os.close(theirs_to_read)
    os.close(theirs_to_write)
    try:
        yield Browser(process, commands, answers)
    finally:
        os.close(commands)  # it ends where nobody can tell it anything any more
        os.close(answers)
        _end(process)
        shutil.rmtree(home, ignore_errors=True)


def _pipe() -> tuple[int, int]:
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _HIGH))
        os.close(end)
    return ends[0], ends[1]


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
