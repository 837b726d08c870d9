"""Builders of values that many tests need: rows, entities, moments, a client that never waits."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from llm_maint.domain.budget import Meter
from llm_maint.domain.chat import Completion, Prompt
from llm_maint.domain.entity import Entity
from llm_maint.domain.memory import Memory
from llm_maint.domain.profile import Attribute
from llm_maint.domain.row import RowId
from llm_maint.llm import openai
from llm_maint.llm.address import Address
from llm_maint.llm.client import Client
from llm_maint.llm.context import Context
from llm_maint.llm.form import Form
from llm_maint.llm.secret import Secret

PROMPT = Prompt(system="rules", user='{"rows": []}', schema={"type": "object"})

NICK = Entity("user", "nick")

MORNING = datetime(2026, 1, 3, 10, tzinfo=UTC)
"""When every row was written, unless a test says otherwise."""


def day(number: int) -> datetime:
    """Return the moment that many days after `MORNING`."""
    return MORNING + timedelta(days=number)


def attribute(
    id: RowId = 1,  # noqa: A002 the column's name
    key: str = "favorite_color",
    value: Any = "blue",  # noqa: ANN401 a JSON value is any type
    **overrides: Any,  # noqa: ANN401 any column
) -> Attribute:
    """Return a row; its `image` holds all columns as a database without types would.

    Times are written as the store writes them; `image` among the overrides adds columns.
    """
    columns: dict[str, Any] = {
        "category": "preference",
        "confidence": 0.8,
        "source": "inferred",
        "source_message_id": None,
        "created_at": MORNING,
        "updated_at": MORNING,
        **overrides,
    }
    extra = columns.pop("image", {})
    image = {"id": id, "key": key, "value": repr(value), **columns, **extra}
    for name in ("created_at", "updated_at"):
        image[name] = columns[name] and str(columns[name])
    return Attribute(id=id, key=key, value=value, image=image, **columns)


def memory(
    id: str = "m1",  # noqa: A002 the column's name
    content: str = "Plays chess on Tuesdays",
    **overrides: Any,  # noqa: ANN401 any field
) -> Memory:
    """Return a memory; its `image` holds its columns as SQLite would: lists and times as text.

    What the table has no column for in most assistants, `session` and `is_marked`, is no part of
    the image; `image` among the overrides adds and changes columns.
    """
    fields: dict[str, Any] = {
        "tags": (),
        "importance": 0.5,
        "source_message_ids": (),
        "access_count": 0,
        "last_accessed": None,
        "created_at": MORNING,
        "updated_at": MORNING,
        **overrides,
    }
    extra = fields.pop("image", {})
    image = {"id": id, "content": content, **fields, **extra}
    for name in ("tags", "source_message_ids"):
        image[name] = extra.get(name, json.dumps(list(fields[name]), ensure_ascii=False))
    for name in ("last_accessed", "created_at", "updated_at"):
        image[name] = extra.get(name, fields[name] and f"{fields[name]:%Y-%m-%d %H:%M:%S.%f}")
    columns = {n: each for n, each in image.items() if n not in ("session", "is_marked")}
    return Memory(id=id, content=content, image=columns, **fields)


@dataclass
class Asking:
    """A client, asked one thing after the other; `meter` counts what it costs."""

    client: Client
    meter: Meter = field(default_factory=Meter)

    def complete(self, prompt: Prompt = PROMPT) -> Completion:
        """Return the reply."""
        (completion,) = self.client.in_order(
            self.client.complete(prompt, self.meter) for _ in range(1)
        )
        return completion

    def embed(self, *texts: str) -> list[bytes]:
        """Return their vectors by the model "e"."""
        (vectors,) = self.client.in_order(
            self.client.embed(texts, self.meter, model="e") for _ in range(1)
        )
        return vectors


def asking(base_url: str, **changed: Any) -> Asking:  # noqa: ANN401 any field
    """Return a client of a model server; unless `sleep` is given, it does not wait for anything."""
    fields: dict[str, Any] = {
        "provider": openai,
        "model": "m",
        "secret": Secret(changed.pop("api_key", "")),
        "timeout": 5,
        "max_attempts": 3,
        "temperature": 0.25,
        "concurrency": 1,
        "form": Form.of(changed.pop("structured_output", "auto")),
        "context": Context(changed.pop("context_tokens", 0), changed.pop("max_output_tokens", 100)),
        "clock": lambda: MORNING,
        "sleep": at_once(),
        **changed,
    }
    return Asking(Client(address=Address.of(base_url), **fields))


def at_once(waits: list[float] | None = None) -> Callable[[float], Awaitable[None]]:
    """Return a sleep that takes no time, and notes how long it should have been."""

    async def sleep(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)

    return sleep
