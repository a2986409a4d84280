"""Who may speak with the viewer: Host and Origin are checked, and a token that the first address carries and
a cookie keeps.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mrvideo.doors import Names, bearer_token, same_token

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    # Of previews, which the page's own script joins.
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# What has no token gets no stylesheet either: this one is known by its digest.
_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1rem;"
    "text-align:center}h1{font-size:1.1rem}"
)
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True)
class Door:
    """Which requests are let in."""

    token: str
    names: Names

    @property
    def cookie(self) -> str:
        """The cookie's name: two viewers on one machine share its host, so each has its own."""
        return f"mrvideo_{hashlib.sha256(self.token.encode()).hexdigest()[:8]}"

    def answer(self, request: Request) -> Response | None:
        """What a request gets in place of being served; None for one that is let in."""
        match self.names.stranger(request.headers.getlist("host"), request.headers.getlist("origin")):
            case "host":
                return _no(403, "this viewer does not go by that Host")
            case "origin":
                return _no(403, "pages of another origin may not call this viewer")
            case None:
                pass
        given = request.query_params.get("token")
        if given is not None and request.method == "GET" and same_token(given, self.token):
            # The token leaves the address bar, and so the history and whatever is copied from it.
            rest = [pair for pair in request.query_params.multi_items() if pair[0] != "token"]
            place = request.url.path + (f"?{urlencode(rest)}" if rest else "")
            moved = RedirectResponse("/" + place.lstrip("/\\"), 303)
            moved.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
            return moved
        bearer = bearer_token(request.headers.get("authorization", "")) or ""
        kept = request.cookies.get(self.cookie, "")
        if not (same_token(kept, self.token) or same_token(bearer, self.token)):
            line = "Open the address that mrvideo view has printed: it carries the token."
            return plain_page(request, 401, line) or _no(401, line)
        return None


def _no(status: int, line: str) -> PlainTextResponse:
    return PlainTextResponse(line + "\n", status, {"Connection": "close"})


def plain_page(request: Request, status: int, line: str, link: str = "") -> Response | None:
    """One line as a page of its own, for a browser that goes there; None for anybody else. `link` leads to the
    library.
    """
    if "text/html" not in request.headers.get("accept", ""):
        return None
    way = f'<p><a href="/">{escape(link)}</a></p>' if link else ""
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>mrvideo</title><style>{_STYLE}</style></head><body><h1>mrvideo</h1><p>{escape(line)}</p>{way}</body></html>"
    )
    policy = _POLICY.replace("style-src 'self'", f"style-src 'sha256-{_STYLE_DIGEST}'")
    return HTMLResponse(body, status, {"Connection": "close", "Content-Security-Policy": policy})


def guarded(app: ASGIApp, door: Door) -> ASGIApp:
    """The app behind its door, with the headers that every answer of it has."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        refusal = door.answer(Request(scope))
        await (app if refusal is None else refusal)(scope, receive, with_headers)

    return served
