"""Who may speak with a server on this machine: where it listens, which names it goes by, which pages may call
it, what its token is.

A page that a browser shows can send requests to any address that the browser reaches. Its origin tells those
of other sites. One whose own name was made to lead here (DNS rebinding) is told by that name: nobody calls
this server so.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from mrvideo.errors import InputError

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Names:
    """What a server goes by, in lower case without a dot at the end. `beyond` says that other machines reach
    it.
    """

    known: frozenset[str]
    beyond: bool = False

    @classmethod
    def of(cls, listening: socket.socket, host: str, *more: str) -> Names:
        """The names of a server that was asked to listen at `host`; `more` are names that lead to it from
        elsewhere.
        """
        # What was bound, not what it was called: a name may lead anywhere.
        bound = ipaddress.ip_address(str(listening.getsockname()[0]).partition("%")[0])
        beyond = not bound.is_loopback
        own = (socket.gethostname(),) if beyond else ()
        return cls(frozenset(name.lower().rstrip(".") for name in ("localhost", host, *own, *more)), beyond)

    def stranger(self, hosts: Sequence[str], origins: Sequence[str]) -> Literal["host", "origin"] | None:
        """Which of a request's headers is a stranger's, all values of `Host` and of `Origin` given; None for
        one to let in.
        """
        if len(hosts) != 1 or not self._lead_here(hosts[0]):
            return "host"
        # Nothing else answers at this address, so a page that may call has come from here.
        if len(origins) > 1 or any(not _same_host(origin, hosts[0]) for origin in origins):
            return "origin"
        return None

    def _lead_here(self, host: str) -> bool:
        found = _HOST.fullmatch(host.lower())
        if found is None:
            return False
        name = found["name"].rstrip(".")
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name in self.known
        # No name has led to an address that is called by its number: it cannot be another's.
        return self.beyond or address.is_loopback or name in self.known


def _same_host(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def same_token(given: str, token: str) -> bool:
    """Whether the token is the right one."""
    # Digests are of one length: the time that it takes tells nothing of the token, nor how long it is.
    digests = (hashlib.sha256(text.encode()).digest() for text in (given, token))
    return hmac.compare_digest(*digests)


def bearer_token(authorization: str) -> str | None:
    """The token in an `Authorization` header; None for another scheme."""
    scheme, _, given = authorization.partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket that is bound and does not listen yet. Port 0 is any free one.

    Raises `InputError` for an address that cannot be had.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise InputError(
            f"cannot listen at {host} port {port}: {error.strerror}; choose another --port"
        ) from error
    return listening


def shown_host(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host
