"""The one place that speaks HTTP: a request, its answer, and an end that nothing outlives."""

import asyncio
import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.request import getproxies

import httpx  # a successor with the same interface is a change of this line alone

from llm_maint.errors import ConfigurationError

CONNECT_SECONDS = 10.0
"""A server that does not even accept a connection for this long is down."""

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""Far more than any reply has; what a server that runs wild may cost."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read to its end; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why none came. `down` tells that there is no server, or that it gives no sign of life."""

    reason: str
    down: bool


class Transport:
    """Connections to servers, kept alive between requests; for one event loop.

    Proxies and certificates come from the environment, as everywhere: `HTTPS_PROXY`, `NO_PROXY`,
    `SSL_CERT_FILE`. Redirects are not followed: a key, and an address that is one, are for the host
    they were configured with.

    `timeout` is in seconds, for a whole exchange: to connect, to send, and to read the last byte;
    `setting` is what it is called where it is a setting. `no_address` is what to say of an address
    that is none. Without `tls`, and without a proxy that may need it, no certificates are read:
    that takes longer than all the rest.
    """

    def __init__(
        self,
        *,
        headers: Mapping[str, str],
        timeout: float,
        connections: int,
        no_address: str,
        setting: str = "",
        tls: bool = True,
    ) -> None:
        self._timeout = timeout
        self._setting = setting
        self._no_address = no_address
        try:
            self._client = httpx.AsyncClient(
                headers=dict(headers),
                verify=True if tls or getproxies() else _trusting_nobody(),
                timeout=httpx.Timeout(None, connect=min(CONNECT_SECONDS, timeout)),
                limits=httpx.Limits(
                    max_connections=connections, max_keepalive_connections=connections
                ),
                follow_redirects=False,
            )
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"SSL_CERT_FILE or SSL_CERT_DIR: {error}") from error
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            raise ConfigurationError(f"a proxy of the environment: {error}") from error

    async def exchange(
        self,
        method: str,
        url: str,
        document: Mapping[str, object] | None = None,
        *,
        content: bytes | None = None,
        within: float = math.inf,
    ) -> Answer | NoAnswer:
        """Send a request, with a JSON document or any content where given, and read the answer.

        `within` are the seconds that are left for it, where that is less than the time-out.

        Raises:
            ConfigurationError: the address is none.

        """
        try:
            async with asyncio.timeout(min(self._timeout, within)):
                return await self._exchange(method, url, document, content)
        except httpx.ConnectTimeout:
            return NoAnswer("does not accept a connection", down=True)
        except (TimeoutError, httpx.TimeoutException):
            limit = f" ({self._setting})" if self._setting else ""
            return NoAnswer(f"gave no answer within {self._timeout:g} s{limit}", down=True)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise ConfigurationError(self._no_address) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            down = isinstance(error, httpx.ConnectError | httpx.ProxyError)
            what = "cannot be reached" if down else "broke off"
            return NoAnswer(f"{what}: {error or type(error).__name__}", down=down)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _exchange(
        self,
        method: str,
        url: str,
        document: Mapping[str, object] | None,
        content: bytes | None,
    ) -> Answer | NoAnswer:
        body = bytearray()
        sending = self._client.stream(method, url, json=document, content=content)
        async with sending as answer:
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    return NoAnswer("does not stop answering", down=False)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status_code, headers, bytes(body))


def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
