"""A client for any server with the OpenAI chat-completions protocol."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from llm_maint.domain.chat import Completion, Prompt, Usage
from llm_maint.errors import ConfigurationError, ModelReplyError, ModelUnavailableError
from llm_maint.llm.retry import RETRYABLE, wait_before

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
"""A server that does not even accept a connection for this long is down."""

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""Far more than any reply has; what a server that runs wild may cost."""

FORMAT_REFUSED = frozenset({400, 422})
"""Statuses by which servers refuse a `response_format` that they do not have."""


_NO_ADDRESS = "llm.base_url is not the address of a server, as in http://127.0.0.1:8080/v1"


@dataclass(slots=True, kw_only=True)
class OpenAiModel:
    """A model behind `/chat/completions`; kept for one run, so it remembers what was refused.

    `base_url` may end in `/v1` or name the server alone; `model` empty takes the first that the
    server lists; `structured_output` is "auto", "json_schema", "json_object" or "none".
    """

    base_url: str
    model: str
    api_key: str
    timeout: float
    max_attempts: int
    max_output_tokens: int
    temperature: float
    structured_output: str
    sleep: Callable[[float], None] = time.sleep
    draw: random.Random = field(default_factory=random.Random)
    _client: httpx.Client | None = None

    def complete(self, prompt: Prompt) -> Completion:
        """Return the model's reply, from at most `max_attempts` tries.

        Raises:
            ModelUnavailableError: the server cannot be reached, or kept failing.
            ModelReplyError: it refused the request, or answered with something that is no reply.

        """
        self.model = self.model or self._first_model()
        answer = self._request("POST", "/chat/completions", self._body(prompt))
        while answer.status_code in FORMAT_REFUSED and self._step_down():
            answer = self._request("POST", "/chat/completions", self._body(prompt))
        return _completion(self._accepted(answer), self.model)

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "temperature": self.temperature,
            "max_tokens": self.max_output_tokens,
        }
        if self.structured_output in ("auto", "json_schema"):
            schema = {"name": "reply", "strict": True, "schema": prompt.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.structured_output == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def _step_down(self) -> bool:
        """Ask for less structure from now on; return whether there was less to ask for."""
        if self.structured_output != "auto":
            return False
        log.info("the model server refuses json_schema; asking by instructions alone")
        self.structured_output = "none"
        return True

    def _first_model(self) -> str:
        listed = self._accepted(self._request("GET", "/models"))
        models = listed.get("data")
        for model in models if isinstance(models, list) else []:
            if isinstance(model, dict) and isinstance(model.get("id"), str):
                return str(model["id"])
        raise ConfigurationError(f"{self._place()} lists no model: set llm.model")

    def _accepted(self, answer: httpx.Response) -> Mapping[str, Any]:
        """Return an answer's JSON object, or say what the server had against the request."""
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise ConfigurationError(f"{self._place()} refuses the key: check llm.api_key_file")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise ConfigurationError(
                f"{self._place()} has no {answer.request.url.path} or no model {self.model!r}: "
                f"check llm.base_url and llm.model ({self._said(answer)})"
            )
        if not answer.is_success:
            raise ModelReplyError(
                f"{self._place()} answered {answer.status_code}: {self._said(answer)}"
            )
        try:
            document = answer.json()
        except (ValueError, RecursionError) as error:
            raise ModelReplyError(
                f"{self._place()} answered no JSON: {self._said(answer)}"
            ) from error
        if not isinstance(document, dict) or document.get("error"):
            raise ModelReplyError(f"{self._place()} answered with an error: {self._said(answer)}")
        return document

    def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        for attempt in range(1, self.max_attempts + 1):
            if attempt > 1:
                self.sleep(wait_before(attempt, draw=self.draw))
            try:
                answer = self._answer(method, path, body)
            except httpx.TimeoutException:
                failure = f"gave no answer within {self.timeout:g} s (llm.timeout_seconds)"
            except UnicodeError as error:
                raise ConfigurationError(_NO_ADDRESS) from error
            except (httpx.TransportError, httpx.DecodingError) as error:
                failure = f"cannot be reached: {error or type(error).__name__}"
            else:
                if answer.status_code not in RETRYABLE:
                    return answer
                failure = f"answered {answer.status_code}: {self._said(answer)}"
            log.info("try %d of %d: the model server %s", attempt, self.max_attempts, failure)
        raise ModelUnavailableError(f"the model server {self._place()} {failure}; is it running?")

    def _answer(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        """Return an answer read to its end, which a server that drips cannot put off."""
        deadline = time.monotonic() + self.timeout
        content = bytearray()
        with self._connected().stream(method, self._url(path), json=body) as answer:
            for chunk in answer.iter_bytes():
                content += chunk
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer did not end", request=answer.request)
                if len(content) > MAX_ANSWER_BYTES:
                    raise ModelReplyError(f"{self._place()} does not stop answering")
            kept = {"content-type": answer.headers.get("content-type", "")}
            return httpx.Response(
                answer.status_code, headers=kept, content=bytes(content), request=answer.request
            )

    def _connected(self) -> httpx.Client:
        if self._client is None:
            self._check_address()
            headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
            timeout = httpx.Timeout(self.timeout, connect=min(CONNECT_SECONDS, self.timeout))
            self._client = httpx.Client(headers=headers, timeout=timeout)
        return self._client

    def _check_address(self) -> None:
        try:
            httpx.URL(self._url(""))
        except (httpx.InvalidURL, ValueError) as error:
            raise ConfigurationError(_NO_ADDRESS) from error
        if not (self.api_key.isascii() and self.api_key.isprintable()):
            raise ConfigurationError("the model server's key holds characters that no key can have")

    def _url(self, path: str) -> str:
        base = self.base_url.rstrip("/")
        return f"{base}{path}" if urlsplit(base).path else f"{base}/v1{path}"

    def _said(self, answer: httpx.Response) -> str:
        """Return the first of what a server said, on one line; some echo the key they were sent."""
        text = " ".join(answer.text.split())
        if self.api_key:
            text = text.replace(self.api_key, "***")
        return text[:200] or "nothing"

    def _place(self) -> str:
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _completion(document: Mapping[str, Any], asked: str) -> Completion:
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    cut = isinstance(choice, dict) and choice.get("finish_reason") == "length"
    if content is None and cut:
        content = ""
    if not isinstance(choice, dict) or not isinstance(content, str):
        raise ModelReplyError("the model server answered without a message")
    if not content.strip() and not cut:
        raise ModelReplyError("the model server answered with an empty message")
    return Completion(
        text=content,
        model=str(document.get("model") or asked),
        cut=cut,
        usage=_usage(document.get("usage")),
    )


def _usage(usage: object) -> Usage:
    counted = usage if isinstance(usage, dict) else {}
    tokens = [counted.get(name) for name in ("prompt_tokens", "completion_tokens")]
    return Usage(1, *(count if isinstance(count, int) else 0 for count in tokens))
