"""A model file of half a megabyte: a llama that speaks single bytes and repeats what it was told.

Its weights are random from a fixed seed, with one exception. The chat template ends every prompt
with a reply as a fair model would give it, and its one head of attention looks back by exactly its
length, so that the model says it again. More than one layer and one head
would take time: a prompt is two thousand bytes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np

WIDTH, INNER = 32, 64

FIRST_BYTE = 3
"""The token of byte 0; before it stand <unk>, <s> and </s>."""

SPACE = "\u2581"
"""What a SentencePiece vocabulary writes for a space; without it a space would be three bytes."""

NONCE = "{{ messages[-1]['content'].split('\"nonce\":\"')[-1][:6] }}"

ANSWER = (
    '{"nonce":"' + NONCE + '","groups":[{"reason":"","op":"merge","ids":["r1","r2"],'
    '"category":null,"key":null,"value":null}],'
    '"remove":[{"reason":"","id":"r3","why":"noise"}],"reviewed":[]}'
)

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}"
    "{% endfor %}" + ANSWER
)

BACK = len(ANSWER) - len(NONCE) + 6 - 1
"""Tokens from the last of a prompt to the one that the reply begins with."""

SURENESS = {"sure": 0.5, "slipping": 0.19, "raw": 0.1}
"""How strongly a voice prefers the right byte; the raw one does not look back at all."""

SEED = 7

Array = Any


def write_tiny_model(path: Path, voice: str) -> None:
    """Write the model of a voice of `SURENESS`; the same bytes each time."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4_096)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    _add_vocabulary(writer)
    for name, tensor in _tensors(voice):
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    kind = gguf.TokenType
    tokens = [("<unk>", kind.UNKNOWN), ("<s>", kind.CONTROL), ("</s>", kind.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", kind.BYTE) for byte in range(256)]
    tokens += [(SPACE, kind.NORMAL)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def _tensors(voice: str) -> Iterator[tuple[str, Array]]:
    draw = np.random.default_rng(SEED)

    def noise(*shape: int) -> Array:
        return draw.normal(0, 0.1, shape).astype(np.float32)

    embedding = 10 * noise(FIRST_BYTE + 256 + 1, WIDTH)
    embedding[:, 0] = 0
    embedding *= 8 / np.linalg.norm(embedding, axis=1, keepdims=True)
    output = SURENESS[voice] * embedding
    embedding[:, 0] = 8  # a constant, for what shall not depend on the token
    if voice != "raw":  # JSON has no place for half a character
        output[FIRST_BYTE + 128 : -1, 0] = output[FIRST_BYTE : FIRST_BYTE + 32, 0] = -60
    yield "token_embd", embedding
    yield "output", output
    yield "output_norm", np.ones(WIDTH, np.float32)
    for name in ("attn_norm", "ffn_norm"):
        yield f"blk.0.{name}", np.ones(WIDTH, np.float32)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        yield f"blk.0.{name}", noise(WIDTH, WIDTH) if voice == "raw" else _looking_back()[name]
    for name in ("ffn_gate", "ffn_up"):
        yield f"blk.0.{name}", noise(INNER, WIDTH)
    yield "blk.0.ffn_down", noise(WIDTH, INNER)


def _looking_back() -> dict[str, Array]:
    """Return attention to the token `BACK` places before, by the angles of rotary positions."""
    angles = BACK * 10_000.0 ** (-np.arange(0, WIDTH, 2) / WIDTH)
    query, key = np.zeros((2, WIDTH, WIDTH), np.float32)
    query[:, 0] = 3 * np.stack([np.cos(angles), -np.sin(angles)], axis=1).ravel()
    key[0::2, 0] = 2
    value = np.eye(WIDTH, dtype=np.float32)
    value[0, 0] = 0
    return {"attn_q": query, "attn_k": key, "attn_v": value, "attn_output": 40 * value}
