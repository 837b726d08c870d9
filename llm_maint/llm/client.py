"""The client of a model server: one for a run, so that it remembers what the server refused."""

import asyncio
import logging
import math
import random
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from llm_maint.domain.budget import Meter
from llm_maint.domain.canary import SAFE_CHARACTERS
from llm_maint.domain.chat import Completion, Prompt
from llm_maint.errors import (
    ConfigurationError,
    DeferredError,
    MaintError,
    PromptTooLongError,
)
from llm_maint.llm.address import Address
from llm_maint.llm.connected import Connected
from llm_maint.llm.context import Context
from llm_maint.llm.embedding import Embedder, Embedding
from llm_maint.llm.faults import Fault, Kind
from llm_maint.llm.form import Form
from llm_maint.llm.listing import Listed, listed
from llm_maint.llm.opening import opened
from llm_maint.llm.provider import Provider
from llm_maint.llm.secret import Secret
from llm_maint.llm.side_by_side import in_order
from llm_maint.llm.tries import Tries
from llm_maint.llm.vectors import spent

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Client:
    """A model behind a server; kept for one run of the program.

    `model` empty takes the first that the server lists; `structured_output` is "auto",
    "json_schema", "json_object" or "none"; `context_tokens` 0 is what the server tells. Times are
    in seconds. `sleep`, `draw` and `clock` are for the retry policy.
    """

    address: Address
    provider: Provider
    model: str
    secret: Secret
    timeout: float
    max_attempts: int
    temperature: float
    concurrency: int
    form: Form
    context: Context
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: random.Random = field(default_factory=random.Random)
    _connected: Connected | None = None
    _models: list[Listed] | None = None
    _structure_proven: bool = False
    _broken: MaintError | None = None
    _embedders: dict[str, Embedder] = field(default_factory=dict)

    def in_order(self, works: Iterable[Coroutine[Any, Any, T]]) -> Generator[T]:
        """Run work that asks this model; see `side_by_side.in_order`."""
        ahead = 1 if self.concurrency == 1 else 2 * self.concurrency
        return in_order(works, ahead=ahead, resources=self._connections)

    async def complete(self, prompt: Prompt, meter: Meter) -> Completion:
        """Return the model's reply; see `LanguageModel.complete`."""
        async with self._turn():
            await self._prepare(prompt)
            completion = await self._asked(prompt, meter)
        return self.secret.hidden_in(completion, prompt)

    async def embed(self, texts: Sequence[str], meter: Meter, *, model: str) -> list[bytes]:
        """Return a vector for each text; see `LanguageModel.embed`."""
        embedder = self._embedders.setdefault(model, Embedder.of(model, self.provider))
        work = Embedding.of(texts, embedder)
        while not work.done:
            async with self._turn():
                await self._embedded(work, meter)
        return work.vectors

    async def models(self, *, tries: int | None = None) -> list[Listed]:
        """Return the models that the server lists; the list is asked for once.

        `tries` is `max_attempts`, where it is not given.

        Raises:
            MaintError: it cannot be reached, or has no list.

        """
        async with self._open.naming:
            if self._models is None:
                self._models = listed(await self._listing(tries or self.max_attempts))
            return self._models

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[None]:
        connected = self._connected = Connected.to(
            self.address,
            headers=self.provider.headers(self.secret.key),
            timeout=self.timeout,
            concurrency=self.concurrency,
        )
        try:
            yield
        finally:
            self._connected = None
            await connected.transport.close()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for a slot; what ends the run there keeps all others from asking."""
        async with self._open.slots:
            self._check_working()
            try:
                yield
            except MaintError as error:
                if error.ends_run:  # the breaker: the next request would fail in the same way
                    self._broken = self._broken or error
                raise

    @property
    def _open(self) -> Connected:
        assert self._connected is not None, "work that asks a model goes through in_order"
        return self._connected

    def _check_working(self) -> None:
        if self._broken is not None:
            raise DeferredError.because(self._broken)

    async def _prepare(self, prompt: Prompt) -> None:
        """Learn the model's name and context where they are not set, as far as it matters."""
        if not self.model:
            models = await self.models()
            if not models:
                raise ConfigurationError(f"{self.address} lists no model: set llm.model")
            self.model = models[0].name
        if not self.context.tokens and prompt.size > SAFE_CHARACTERS:
            try:
                models = await self.models(tries=1)
            except MaintError as error:  # the request itself will tell what that means
                log.info("the context's size is not known: %s", error)
                self._models = models = []
            mine = (each.context for each in models if each.is_named(self.model))
            self.context.learn(next(mine, None))

    async def _asked(self, prompt: Prompt, meter: Meter) -> Completion:
        """Return the reply to a prompt: the form steps down, failures are tried again."""
        form, tries = self.form, self._tries(self.model)
        while True:
            self._check_fits(prompt)
            meter.begin_call()
            limit = self.context.reply_limit
            found = await self._once(prompt, form, within=tries.left)
            meter.add(found.usage)
            if isinstance(found, Completion):
                self.form, self._structure_proven = form, True
                return found
            log.info("the model server %s %s", self.address, found.said)
            if found.kind is Kind.TOO_LONG and self._learned(found.context, prompt, limit):
                continue
            lesser = self._lesser(form, found.refuses, prompt)
            if lesser is None:
                await self._wait(tries, found)
                last = tries.made == tries.most - 1
                unproven = found.kind is Kind.FAILED and not self._structure_proven
                lesser = (form.plain() if last and unproven else None) or form
                if found.kind is Kind.FAILED and found.status:
                    # It may have failed at the model's output: another may come out right.
                    prompt = replace(prompt, variation=prompt.variation + 1)
            form = lesser

    async def _embedded(self, work: Embedding, meter: Meter) -> None:
        """Ask for the next vectors until they are there, or less is asked for next."""
        tries, endpoint = self._tries(work.embedder.model), self.provider.embeddings
        if work.embedder.refused is not None:  # what a server lacks now it will lack in a minute
            raise tries.over(work.embedder.refused)
        while True:
            meter.begin_call()
            answer = await self._exchange("POST", endpoint, work.ask(), within=tries.left)
            meter.add(spent(answer))
            fault = work.take(answer)
            if fault is None:
                return
            log.info("the model server %s %s", self.address, fault.said)
            await self._wait(tries, fault)

    def _learned(self, tokens: int | None, prompt: Prompt, limit: int) -> bool:
        """Learn from a refusal; return whether the next request is another than the one before.

        Another request may have learned meanwhile; `limit` is the reply that this one asked for.
        """
        self.context.learn(tokens)
        return self.context.reply_limit != limit or not self.context.fits(prompt)

    def _lesser(self, form: Form, refused: tuple[str, ...], prompt: Prompt) -> Form | None:
        """Return the next form without what was refused that makes another request of a prompt."""
        lesser = form.without(*refused)
        while lesser is not None and self._document(prompt, lesser) == self._document(prompt, form):
            lesser = lesser.without(*refused)
        return lesser

    def _check_fits(self, prompt: Prompt) -> None:
        """Refuse what would not fit, before it is sent."""
        if not self.context.fits(prompt):
            raise PromptTooLongError(
                f"{prompt.size:,} characters do not fit into a context of "
                f"{self.context.tokens:,} tokens (llm.context_tokens)"
            )

    def _tries(self, model: str, most: int | None = None) -> Tries:
        """Return the tries of a request that begins now; `max_attempts`, where none are given."""
        most = most or self.max_attempts
        return Tries(
            most=most,
            seconds=self.timeout * most,
            place=str(self.address),
            model=model,
            clock=asyncio.get_running_loop().time,
            draw=self.draw,
        )

    async def _wait(self, tries: Tries, fault: Fault) -> None:
        """Wait before another try, or raise what the fault comes to."""
        wait = tries.wait_after(fault)
        log.info("try %d of %d in %.1f s", tries.made + 1, tries.most, wait)
        await self.sleep(wait)
        self._check_working()

    async def _once(self, prompt: Prompt, form: Form, *, within: float) -> Completion | Fault:
        document = self._document(prompt, form)
        answer = await self._exchange("POST", self.provider.endpoint, document, within=within)
        if isinstance(answer, Fault):
            return answer
        found = self.provider.read(answer, asked=self.model)
        if isinstance(found, Completion):
            return found
        return replace(found, said=self.secret.hidden(found.said))

    def _document(self, prompt: Prompt, form: Form) -> dict[str, Any]:
        return self.provider.document(
            prompt,
            form,
            model=self.model,
            limit=self.context.reply_limit,
            temperature=self.temperature,
        )

    async def _listing(self, most: int) -> Mapping[str, Any]:
        tries = self._tries(self.model, most)
        while isinstance(answer := await self._exchange("GET", "/models"), Fault):
            await self._wait(tries, answer)
        return answer

    async def _exchange(
        self,
        method: str,
        endpoint: str,
        document: Mapping[str, Any] | None = None,
        *,
        within: float = math.inf,
    ) -> Mapping[str, Any] | Fault:
        """Return the JSON object of an answer, or what is wrong with it."""
        url = self.address.url(endpoint)
        answer = await self._open.transport.exchange(method, url, document, within=within)
        return opened(answer, self.provider, self.secret, now=self.clock())
