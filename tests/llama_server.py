"""The real llama.cpp server (by xllamacpp) with a tiny model, in a process of its own.

A tame one keeps to a JSON schema; its replies are whole, cut, or slipped into other words. A wild
one says random bytes, and has a small context and one slot. What they were seen to do, beside
replies that are cut at `max_tokens`, are no JSON, or echo another nonce than the request's:

- 400 `exceed_context_size_error`, with `n_ctx`, where a prompt does not fit; at once and unread;
- 500 `server_error` "The model produced output that does not match the expected peg-native
  format", most times where a schema was asked for and a string of the reply is no UTF-8: whole
  seconds of work, no usage, and for the same request the same again at temperature 0;
- 200 with U+FFFD for each byte that is no UTF-8: neither bad UTF-8 nor a lone surrogate ever comes;
- 200 with `finish_reason` "length" and no sign of it where a reply is cut within a character;
- no byte before a reply is whole; when the client has gone, the slot is free for the next at once.

Asked for embeddings, it was seen to answer

- 501 `not_supported_error` where it was not started for them, 400 where it was, without pooling;
- 500 `server_error` "input (601 tokens) is too large to process" where one text of a request has
  more tokens than a physical batch, and nothing for the other texts;
- a vector for an empty text as for any other, and base64 where it is asked for.

It never died, and none of this needed a restart. It takes any name for the model, and its own is
the path of the file.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.request import urlopen

from tiny_model import write_tiny_model

ENDING_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of server: tokens of context for each of its slots, and the voice of its model.

    With `embeds` it gives vectors too, the means of those of all tokens.
    """

    context: int
    slots: int
    voice: str
    embeds: bool = False


SURE = Kind(context=4_096, slots=1, voice="sure")

TAME = Kind(context=4_096, slots=4, voice="slipping")

EMBEDDING = Kind(context=4_096, slots=1, voice="sure", embeds=True)

WILD = Kind(context=3_072, slots=1, voice="raw")


@contextmanager
def running(kind: Kind, folder: Path) -> Iterator[str]:
    """Give the address of a server that runs until the end; its files are in the folder."""
    model, log = folder / "tiny.gguf", folder / "log"
    write_tiny_model(model, kind.voice)
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, __file__, str(model), json.dumps(asdict(kind))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            address = server.stdout.readline().strip()
            assert address, log.read_text()
            yield address
            assert server.poll() is None, f"the server died: {log.read_text()[-2_000:]}"
        finally:
            server.stdin.close()
            try:
                server.wait(ENDING_SECONDS)
            finally:
                server.kill()


def counted(address: str) -> dict[str, int]:
    """Return what the server itself has counted, by the names of its metrics."""
    with urlopen(f"{address}/metrics", timeout=ENDING_SECONDS) as answer:
        lines = [line.split() for line in answer.read().decode().splitlines() if line[0] != "#"]
    return {name.removeprefix("llamacpp:"): round(float(value)) for name, value in lines}


def _serve(model: str, kind: Kind) -> None:
    """Serve until standard input ends; the one line on standard output is the address."""
    import xllamacpp

    said = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # llama.cpp writes its log to both
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx, params.n_parallel = kind.context * kind.slots, kind.slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_threads_http = 8
    params.n_gpu_layers = 0
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.warmup = params.fit_params = params.ui = False
    params.endpoint_metrics = True
    params.sampling.top_k, params.sampling.top_p, params.sampling.min_p = 0, 1.0, 0.0
    if kind.embeds:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    print(server.listening_address, file=said, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1], Kind(**json.loads(sys.argv[2])))
