"""What a client has while an event loop runs: connections to its server, and slots to use them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from llm_maint.errors import ConfigurationError
from llm_maint.llm.address import NO_ADDRESS, Address
from llm_maint.web.transport import Transport


@dataclass(slots=True)
class Connected:
    """Connections, as many slots, and the turn at asking for the list of models."""

    transport: Transport
    slots: asyncio.Semaphore
    naming: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def to(
        cls, address: Address, *, headers: Mapping[str, str], timeout: float, concurrency: int
    ) -> Self:
        """Return what speaks to a server; its transport is to be closed.

        Raises:
            ConfigurationError: the key, the certificates or a proxy cannot be used.

        """
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise ConfigurationError("the model server's key holds characters that no key can have")
        transport = Transport(
            headers=headers,
            timeout=timeout,
            connections=concurrency,
            no_address=NO_ADDRESS,
            setting="llm.timeout_seconds",
            tls=address.parts.scheme == "https",
        )
        return cls(transport, asyncio.Semaphore(concurrency))
