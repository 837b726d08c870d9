"""An event loop that no name server can keep from ending."""

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any


class DaemonResolvingLoop(asyncio.SelectorEventLoop):
    """Looks names up in threads that the end of the process does not wait for.

    The threads of asyncio itself are joined when the interpreter exits, and a name server that does
    not answer keeps them for half a minute after the claim was handed back.
    """

    async def getaddrinfo(self, *name: Any, **kind: Any) -> Any:  # noqa: ANN401 as inherited
        """Return what `socket.getaddrinfo` returns."""
        found: asyncio.Future[Any] = self.create_future()

        def tell(result: Any, error: OSError | UnicodeError | None) -> None:  # noqa: ANN401
            if found.done():
                return
            if error is None:
                found.set_result(result)
            else:
                found.set_exception(error)

        def look_up() -> None:
            result, failure = None, None
            try:
                result = socket.getaddrinfo(*name, **kind)
            except (OSError, UnicodeError) as error:
                failure = error
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self.call_soon_threadsafe(tell, result, failure)

        threading.Thread(target=look_up, name="resolver", daemon=True).start()
        return await found
