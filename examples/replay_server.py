"""A stand-in for a model server: replays recorded replies, for the sample profile alone.

It speaks the OpenAI-compatible protocol on loopback, prints its address, and answers any other
request than the recorded ones with an error. No model is behind it.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

RECORDED = json.loads(Path(__file__).with_name("recorded_replies.json").read_text(encoding="utf-8"))


class Replay(BaseHTTPRequestHandler):
    """Answers chat completions from the record."""

    def do_POST(self) -> None:
        """Answer a recorded reply where the request is about its rows."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = json.loads(body["messages"][-1]["content"])
        keys = [row["key"] for row in asked["rows"]]
        recorded = next((each for each in RECORDED if each["rows"] == keys), None)
        if recorded is None:
            self._answer(404, {"error": {"message": "nothing was recorded for these rows"}})
            return
        reply = {"nonce": asked["nonce"], **recorded["reply"]}
        message = {"role": "assistant", "content": json.dumps(reply)}
        self._answer(
            200,
            {
                "model": "recorded",
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": recorded["usage"],
            },
        )

    def do_GET(self) -> None:
        """List the one model there is."""
        self._answer(200, {"data": [{"id": "recorded"}]})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: the demo's screen belongs to the demo."""


def main() -> None:
    """Serve until the process is ended."""
    server = HTTPServer(("127.0.0.1", 0), Replay)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
