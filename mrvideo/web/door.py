"""Who may speak with the viewer: Host and Origin are checked, and a token that the first address carries and a cookie keeps."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True)
class Door:
    """Which requests are let in. `names` are host names that the server goes by; `beyond`: other machines reach it."""

    token: str
    names: frozenset[str]
    beyond: bool = False

    @property
    def cookie(self) -> str:
        """The cookie's name: two viewers on one machine share its host, so each has its own."""
        return f"mrvideo_{hashlib.sha256(self.token.encode()).hexdigest()[:8]}"

    def answer(self, request: Request) -> Response | None:
        """What a request gets in place of being served; None for one that is let in."""
        hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
        if len(hosts) != 1 or not self._ours(hosts[0]):
            return _no(403, "this viewer does not go by that Host")
        if len(origins) > 1 or any(not _same_host(origin, hosts[0]) for origin in origins):
            return _no(403, "pages of another origin may not call this viewer")
        given = request.query_params.get("token")
        if given is not None and request.method == "GET" and self._is_token(given):
            # The token leaves the address bar, and so the history and whatever is copied from it.
            rest = [pair for pair in request.query_params.multi_items() if pair[0] != "token"]
            place = request.url.path + (f"?{urlencode(rest)}" if rest else "")
            moved = RedirectResponse("/" + place.lstrip("/\\"), 303)
            moved.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
            return moved
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not (self._is_token(request.cookies.get(self.cookie, "")) or self._is_token(bearer)):
            return _no(401, "open the address that mrvideo view has printed: it carries the token")
        return None

    def _is_token(self, given: str) -> bool:
        digests = (hashlib.sha256(text.encode()).digest() for text in (given, self.token))
        return hmac.compare_digest(*digests)

    def _ours(self, host: str) -> bool:
        found = _HOST.fullmatch(host.lower())
        if found is None:
            return False
        name = found["name"].rstrip(".")
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name in self.names
        return self.beyond or address.is_loopback or name in self.names


def _same_host(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _no(status: int, line: str) -> PlainTextResponse:
    return PlainTextResponse(line + "\n", status, {"Connection": "close"})


def guarded(app: ASGIApp, door: Door) -> ASGIApp:
    """The app behind its door, with the headers that every answer of it has."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        refusal = door.answer(Request(scope))
        await (app if refusal is None else refusal)(scope, receive, with_headers)

    return served


def names_of(hosts: Sequence[str]) -> frozenset[str]:
    """Host names as `Door` compares them."""
    return frozenset(host.lower().rstrip(".") for host in ("localhost", *hosts))
