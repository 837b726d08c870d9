"""Faults of the connection: what breaks is tried again, what is whole is read once."""

import gzip
import json
import socket
import zlib
from collections.abc import Callable

import pytest
from fault_server import Act, Entry, FaultServer, Request, http, right, right_body
from faulting import DOWN, FAILED, TOLD, UNREADABLE, Came, ran, ran_at

from llm_maint.store.database import Database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def _framed(
    frame: Callable[[bytes], bytes], head: bytes = OK, **act: object
) -> Callable[[Request], Act]:
    """Return an entry that sends the right body in a frame of its own."""
    return lambda request: Act(wire=head + frame(right_body(request)), **act)  # type: ignore[arg-type]


def _length(body: bytes, *, more: int = 0) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body) + more, body)


def _chunked(body: bytes, *, end: bytes = b"0\r\n\r\n", size: bytes = b"%x\r\n") -> bytes:
    pieces = [body[start : start + 50] for start in range(0, len(body), 50)]
    chunks = b"".join(size % len(piece) + piece + b"\r\n" for piece in pieces)
    return b"Transfer-Encoding: chunked\r\n\r\n" + chunks + end


def _encoded(coding: bytes, content: bytes) -> bytes:
    return b"Content-Encoding: %s\r\n%s" % (coding, _length(content))


def _spoilt(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 0xFF for byte in content[middle:])


BREAKS: dict[str, Entry] = {
    "closed before a byte": Act(),
    "reset before a byte": Act(then="reset"),
    "closed before the body is read": Act(early=True),
    "status line only": Act(wire=b"HTTP/1.1 200 OK\r\n"),
    "closed within the status line": Act(wire=b"HTTP/1.1 2"),
    "closed within a header": Act(wire=OK + b"Content-Le"),
    "reset within the headers": Act(wire=OK, then="reset"),
    "closed within the body": _framed(lambda body: _length(body[:90], more=400)),
    "one byte short": _framed(lambda body: _length(body, more=1)),
    "reset within the body": _framed(lambda body: _length(body[:90], more=400), then="reset"),
    "headers and no body": Act(wire=OK + b"Content-Length: 500\r\n\r\n"),
    "chunks without an end": _framed(lambda body: _chunked(body, end=b"")),
    "closed within a chunk": _framed(lambda body: _chunked(body)[:-70]),
    "a chunk size that is none": _framed(lambda body: _chunked(body, size=b"%xzz\r\n")),
    "a chunk longer than it says": _framed(lambda body: _chunked(body, size=b"0%x0000\r\n")),
    "spoilt gzip": _framed(lambda body: _encoded(b"gzip", _spoilt(gzip.compress(body)))),
    "gzip that is plain": _framed(lambda body: _encoded(b"gzip", body)),
    "deflate that is plain": _framed(lambda body: _encoded(b"deflate", body)),
    "no HTTP at all": Act(wire=b"\x00\x01\x02 who is there? \xff\xfe\r\n\r\n"),
    "another protocol": Act(wire=b"SSH-2.0-OpenSSH_9.6\r\n"),
    "an alert of TLS": Act(wire=b"\x15\x03\x01\x00\x02\x02\x46"),
    "a page without a head": Act(wire=b"<html><body>starting</body></html>"),
    "a header without end": Act(wire=OK + b"X-Filler: " + b"x" * 300_000 + b"\r\n\r\n"),
    "a length that is no number": Act(wire=OK + b"Content-Length: many\r\n\r\n{}"),
    "two lengths": Act(wire=OK + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}"),
    "interim answers only": Act(wire=b"HTTP/1.1 100 Continue\r\n\r\n" * 3),
    "another protocol offered": Act(wire=b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    "a status of two digits": Act(wire=b"HTTP/1.1 20 OK\r\n\r\n"),
}
"""By what happens; none of it is an answer."""


@pytest.mark.parametrize("broken", [pytest.param(act, id=name) for name, act in BREAKS.items()])
def test_what_breaks_once_is_tried_again(database: Database, broken: Entry) -> None:
    """A connection that broke at any byte costs one more attempt, and the profile nothing."""
    run = ran(database, broken, right)
    assert (run.attempts, run.came) == (2, TOLD)
    assert [0 <= wait <= 2 for wait in run.waits] == [True]


PERSISTENT = (
    "closed before a byte",
    "reset before a byte",
    "closed within a header",
    "closed within the body",
    "reset within the body",
    "chunks without an end",
    "spoilt gzip",
    "no HTTP at all",
    "a header without end",
)


@pytest.mark.parametrize("name", PERSISTENT)
def test_what_always_breaks_fails_the_request(database: Database, name: str) -> None:
    """After three attempts the request is given up; the server may answer others."""
    run = ran(database, BREAKS[name])
    assert (run.attempts, run.came, len(run.waits)) == (3, FAILED, 2)
    assert "broke off" in run.said


def _interim(interim: bytes) -> Entry:
    return lambda request: http(right_body(request), interim=interim)


_MIXED = b"hTTp-header: a\r\nX-Folded: a\r\n b\r\n"


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(_framed(_length), id="a length"),
        pytest.param(_framed(lambda body: b"\r\n" + body), id="until the connection closes"),
        pytest.param(
            _framed(lambda body: b"\r\n" + body, head=b"HTTP/1.0 200 OK\r\n"), id="HTTP/1.0"
        ),
        pytest.param(_framed(_length, head=b"HTTP/1.1 200\r\n"), id="no reason phrase"),
        pytest.param(_framed(_chunked), id="chunks"),
        pytest.param(
            _framed(lambda body: _chunked(body, size=b"%x;name=value\r\n")), id="chunk extensions"
        ),
        pytest.param(
            _framed(lambda body: _chunked(body, end=b"0\r\nX-Sum: 1\r\n\r\n")), id="trailers"
        ),
        pytest.param(
            _framed(lambda body: b"Content-Length: 3\r\n" + _chunked(body)),
            id="chunks and a length",
        ),
        pytest.param(_framed(lambda body: _encoded(b"gzip", gzip.compress(body))), id="gzip"),
        pytest.param(_framed(lambda body: _encoded(b"deflate", zlib.compress(body))), id="deflate"),
        pytest.param(_framed(lambda body: _encoded(b"identity", body)), id="identity"),
        pytest.param(_framed(lambda body: _MIXED + _length(body)), id="odd headers"),
        pytest.param(_framed(lambda body: _length(b" \n\n\n" + body)), id="blank lines first"),
        pytest.param(_framed(lambda body: _length(b"\xef\xbb\xbf" + body)), id="a mark first"),
        pytest.param(_interim(b"HTTP/1.1 100 Continue\r\n\r\n"), id="100 first"),
        pytest.param(_interim(b"HTTP/1.1 102 Processing\r\n\r\n" * 3), id="102 three times"),
        pytest.param(_interim(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), id="103 first"),
        pytest.param(_framed(_length, piece=400, pause=0.01), id="slow and in time"),
        pytest.param(_framed(_length, then="reset"), id="reset after the last byte"),
        pytest.param(_framed(_length, then="hang"), id="left open"),
        pytest.param(lambda request: http(right_body(request), 201), id="201"),
    ],
)
def test_a_whole_answer_is_read_once(database: Database, entry: Entry) -> None:
    """However an answer is framed, what arrived whole is the reply."""
    run = ran(database, entry)
    assert (run.attempts, run.came, run.waits) == (1, TOLD, [])


@pytest.mark.parametrize(
    ("entries", "attempts"),
    [
        pytest.param([http("", 503, then="close"), right], 2, id="closed after an answer"),
        pytest.param([http("", 503), Act(), right], 3, id="closed at the second request"),
        pytest.param([http("", 503), Act(then="reset"), right], 3, id="reset at the second"),
        pytest.param([Act(then="reset"), http("", 503), right], 3, id="reset, then busy"),
        pytest.param([http("", 503), http("", 500), right], 3, id="all on one connection"),
    ],
)
def test_a_kept_connection_may_fail(
    database: Database, entries: list[Entry], attempts: int
) -> None:
    """A server may close a connection that it kept; the next attempt opens another."""
    run = ran(database, *entries)
    assert (run.attempts, run.came) == (attempts, TOLD)


@pytest.mark.parametrize(
    ("entry", "came"),
    [
        pytest.param(Act(then="hang"), DOWN, id="silent"),
        pytest.param(Act(wire=OK, then="hang"), DOWN, id="silent within the headers"),
        pytest.param(_framed(lambda b: _length(b, more=9), then="hang"), DOWN, id="silent at last"),
        pytest.param(
            Act(wire=OK + b"X-Slow: 1\r\n" * 500, piece=3, pause=0.02), DOWN, id="dripping headers"
        ),
        pytest.param(
            _framed(lambda body: _length(b" " * 900 + body), piece=3, pause=0.02),
            DOWN,
            id="dripping body",
        ),
        pytest.param(
            _framed(lambda body: _chunked(b" " * 900 + body), piece=3, pause=0.02),
            DOWN,
            id="dripping chunks",
        ),
        pytest.param(
            Act(wire=b"HTTP/1.1 100 Continue\r\n\r\n" * 500, piece=25, pause=0.02),
            DOWN,
            id="interim answers for ever",
        ),
    ],
)
def test_no_drip_outlives_the_time_out(database: Database, entry: Entry, came: Came) -> None:
    """Each attempt ends at the time-out, however busy the line is; the setting is named."""
    run = ran(database, entry, timeout_seconds=0.6, max_attempts=2)
    assert (run.attempts, run.came, len(run.waits)) == (2, came, 1)
    assert "llm.timeout_seconds" in run.said


def test_a_silent_server_that_wakes_up_is_heard(database: Database) -> None:
    """A time-out is an attempt like any other."""
    run = ran(database, Act(then="hang"), right, timeout_seconds=0.5)
    assert (run.attempts, run.came) == (2, TOLD)


@pytest.mark.parametrize(
    ("frame", "came"),
    [
        pytest.param(lambda body: _length(body[:-40]), UNREADABLE, id="cut, and the length fits"),
        pytest.param(
            lambda body: b"Content-Length: %d\r\n\r\n%s" % (len(body) - 40, body),
            UNREADABLE,
            id="a length too small",
        ),
        pytest.param(
            lambda body: _encoded(b"gzip", gzip.compress(body)[:-30]), UNREADABLE, id="cut gzip"
        ),
        pytest.param(lambda body: b"\r\n" + body[:-40], UNREADABLE, id="closed early, no length"),
        pytest.param(
            lambda body: _length(b"data: " + body + b"\n\ndata: [DONE]\n\n"),
            UNREADABLE,
            id="events",
        ),
        pytest.param(lambda _: _length(b"<html>log in</html>"), UNREADABLE, id="a page"),
        pytest.param(lambda body: _length(body[:-40] + b"\xff\xfe"), UNREADABLE, id="no UTF-8"),
        pytest.param(lambda _: _length(b""), UNREADABLE, id="nothing"),
        pytest.param(lambda _: _length(json.dumps([1]).encode()), UNREADABLE, id="a list"),
    ],
)
def test_an_answer_that_is_no_json_is_asked_for_once_more(
    database: Database, frame: Callable[[bytes], bytes], came: Came
) -> None:
    """A body that is cut or something else is never repaired: one more try with another seed."""
    run = ran(database, _framed(frame))
    assert (run.attempts, run.came) == (2, came)
    assert run.requests[1].body["seed"] != run.requests[0].body.get("seed")


def test_an_answer_without_end_is_given_up(database: Database) -> None:
    """A small body that unpacks to far more than a reply has does not fill the memory."""
    bomb = Act(wire=OK + _encoded(b"gzip", gzip.compress(b" " * 40_000_000)))
    run = ran(database, bomb)
    assert (run.attempts, run.came) == (3, FAILED)


def test_a_server_that_is_not_there_is_down(database: Database) -> None:
    """A refused connection is tried as often as any other failure, then the server is down."""
    with socket.socket() as closed, FaultServer(right) as server:
        closed.bind(("127.0.0.1", 0))
        server.url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        run = ran_at(database, server)
    assert (run.attempts, run.came, len(run.waits)) == (0, DOWN, 2)
    assert "is it running" in run.said
