"""The address of a model server: as it is asked, as it is shown, and whether a key may go there."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from llm_maint.errors import ConfigurationError

NO_ADDRESS = "llm.base_url is not the address of a server, as in http://127.0.0.1:8080/v1"

_ENDPOINTS = ("/chat/completions", "/messages", "/models")
"""What people copy along with the base of an API."""

_PRIVATE_NAMES = (".localhost", ".local", ".localdomain", ".internal", ".lan", ".home.arpa")

_PRIVATE_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        (
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "100.64.0.0/10",
            "0.0.0.0/32",
            "::1/128",
            "::/128",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)
"""This host, networks that are somebody's own (RFC 1918, 4193), links, and shared address space
(RFC 6598). Written out: what Python calls private differs between its versions."""

_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_-]*")
"""A name without a domain: of this host, or of a network that is somebody's own."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: `http://host:port`, with a path or without; then `/v1` is meant."""

    parts: SplitResult

    @classmethod
    def of(cls, base_url: str) -> "Address":
        """Return the address of a setting.

        Raises:
            ConfigurationError: it is none.

        """
        try:
            parts = urlsplit(base_url)
            _ = parts.port  # a property that refuses what is no number
        except ValueError as error:
            raise ConfigurationError(NO_ADDRESS) from error
        if not parts.hostname:
            raise ConfigurationError(NO_ADDRESS)
        path = parts.path.rstrip("/")
        for endpoint in _ENDPOINTS:
            path = path.removesuffix(endpoint)
        return cls(parts._replace(path=path or "/v1"))

    def url(self, endpoint: str) -> str:
        """Return the URL of an endpoint, such as `/models`."""
        return self.parts._replace(path=f"{self.parts.path}{endpoint}").geturl()

    def __str__(self) -> str:
        """Return the address as it may be shown: without a name, a password or parameters."""
        host = self.parts.netloc.rpartition("@")[2]
        return f"{self.parts.scheme}://{host}{self.parts.path}"

    def check_may_get(self, key: str) -> None:
        """Refuse to send a key where anybody on the way could read it.

        Raises:
            ConfigurationError: plain http to a host that is neither this one nor a private one.

        """
        secret = bool(key or self.parts.password)
        if secret and self.parts.scheme != "https" and not _is_private(self.parts.hostname or ""):
            raise ConfigurationError(
                f"the key would go to {self} in the clear: use https, or set llm.allow_insecure"
            )


def _is_private(host: str) -> bool:
    host = host.lower().rstrip(".")
    if ":" in host:
        host = host.partition("%")[0]  # the zone of a link-local address
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(_PLAIN_NAME.fullmatch(host)) or host.endswith(_PRIVATE_NAMES)
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in _PRIVATE_NETWORKS)
