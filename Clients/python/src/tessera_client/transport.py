"""Requests and their answers: time limits, retries, errors of the server as exceptions.

What may be repeated without harm is tried again after a broken connection, 429 and 503, at most `retries` times and
never past the time limit. What may not is sent on a connection of its own and tried again only after 429, which says
that nothing was done.
"""
from __future__ import annotations

import http.client
import json
import random
import ssl
import time
import warnings
from dataclasses import dataclass
from typing import Any, Dict, Optional
from urllib.parse import urlsplit

from .connections import ConnectionPool
from .errors import BY_CODE, APIError, BadAnswer, ConnectionFailed, TimedOut

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_FIRST_PAUSE_S = 0.05
_BROKEN = (http.client.HTTPException, ConnectionError, ssl.SSLError, OSError)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    retry_after: Optional[float]
    trace_id: Optional[str]


class Transport:
    """Speaks HTTP/1.1 to one server, from any number of threads."""

    def __init__(self, url: str, key: Optional[str], timeout: float, retries: int, tls: Optional[ssl.SSLContext],
                 most_idle: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError(f"not an address like https://host:port: {parts.scheme}://{parts.hostname or ''}")
        if parts.query or parts.fragment:
            raise ValueError("the address must not have a query or a fragment")
        if timeout <= 0 or retries < 0:
            raise ValueError("timeout must be above 0, retries at least 0")
        secure = parts.scheme == "https"
        if key is not None and not secure and parts.hostname not in _LOOPBACK:
            warnings.warn(f"the key goes to {parts.hostname} unencrypted; use https://", stacklevel=3)
        self.address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        self._retries = retries
        self._headers = {"Accept": "application/json", "User-Agent": "tessera-client/0.1"}
        if key is not None:
            if not key.isascii() or not key.isprintable() or not key:
                raise ValueError("a key is printable ASCII")
            self._headers["Authorization"] = f"Bearer {key}"
        context = (tls or ssl.create_default_context()) if secure else None
        port = parts.port or (443 if secure else 80)
        self._pool = ConnectionPool(parts.hostname, port, context, most_idle)

    def close(self) -> None:
        self._pool.close()

    def get(self, path: str, accept_unready: bool = False) -> Any:
        """The JSON at `path`; with `accept_unready` also that of a 503."""
        return _json(self._exchange("GET", path, None, True, accept_unready))

    def text(self, path: str) -> str:
        return self._exchange("GET", path, None, True, False).body.decode()

    def post(self, path: str, value: Dict[str, Any], repeatable: bool, timeout: Optional[float] = None) -> Any:
        body = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
        return _json(self._exchange("POST", path, body, repeatable, False, timeout))

    def _exchange(self, method: str, path: str, body: Optional[bytes], repeatable: bool,
                  accept_unready: bool, timeout: Optional[float] = None) -> Answer:
        end = time.monotonic() + (timeout or self._timeout)
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                answer = self._once(method, path, body, end, fresh=attempt > 0 or not repeatable)
            except TimedOut:
                raise
            except ConnectionFailed:
                if last or not repeatable or not _rest(_pause(attempt, None), end):
                    raise
                continue
            if answer.status == 200 or (accept_unready and answer.status == 503):
                return answer
            again = answer.status == 429 or (answer.status == 503 and repeatable)
            if last or not again or not _rest(_pause(attempt, answer.retry_after), end):
                raise _error(answer)
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, body: Optional[bytes], end: float, fresh: bool) -> Answer:
        connection = self._pool.take(_remaining(end), fresh)
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        whole = False
        try:
            connection.request(method, self._prefix + path, body, headers)
            response = connection.getresponse()
            answer = Answer(response.status, _read(response, connection, end),
                            _seconds(response.getheader("Retry-After")),
                            _trace_id(response.getheader("traceparent")))
            whole = not response.will_close
            return answer
        except TimeoutError as error:
            raise TimedOut(f"no answer of {self.address} within the time limit") from error
        except _BROKEN as error:
            raise ConnectionFailed(f"the connection to {self.address} broke: {error or type(error).__name__}") from error
        finally:
            if whole:
                self._pool.give(connection)
            else:
                connection.close()


def _read(response: http.client.HTTPResponse, connection: http.client.HTTPConnection, end: float) -> bytes:
    # Piece by piece, so that a server that trickles does not outlast the time limit.
    pieces = []
    while True:
        if connection.sock is not None:
            connection.sock.settimeout(_remaining(end))
        piece = response.read1(1 << 20)
        if not piece:
            break
        pieces.append(piece)
    if response.length:
        raise http.client.IncompleteRead(b"".join(pieces), response.length)
    # `read1` leaves it open, and the connection would refuse its next request.
    response.close()
    return b"".join(pieces)


def _remaining(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimedOut("the time limit has passed")
    return left


def _pause(attempt: int, asked: Optional[float]) -> float:
    """Seconds before the next attempt: what the server asked for and a little more, or doubling, with jitter."""
    grown = _FIRST_PAUSE_S * (1 << attempt)
    if asked is None:
        return grown * random.uniform(0.5, 1.0)
    return asked + grown * random.random()


def _rest(seconds: float, end: float) -> bool:
    """Waits, or returns false where the time limit would pass meanwhile."""
    if time.monotonic() + seconds >= end:
        return False
    time.sleep(seconds)
    return True


def _seconds(text: Optional[str]) -> Optional[float]:
    # A date instead of seconds is allowed in HTTP, but this server sends none.
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _trace_id(text: Optional[str]) -> Optional[str]:
    parts = (text or "").split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else None


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise BadAnswer(f"the answer is not JSON: {answer.body[:80]!r}") from error


def _error(answer: Answer) -> Exception:
    try:
        value = json.loads(answer.body)
        code, message, details = str(value["code"]), str(value["message"]), value.get("details") or {}
    except (ValueError, TypeError, KeyError, AttributeError):
        # A proxy in between, most likely.
        code, details = "unknown", {}
        message = answer.body[:200].decode(errors="replace") or http.client.responses.get(answer.status, "")
    kind = BY_CODE.get(code, APIError)
    return kind(answer.status, code, message, details if isinstance(details, dict) else {}, answer.trace_id,
                answer.retry_after)
