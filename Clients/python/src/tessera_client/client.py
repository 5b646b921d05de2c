"""The client of one server."""
from __future__ import annotations

import ssl
from types import TracebackType
from typing import List, Optional, Type

from .decode import decode
from .errors import BadAnswer
from .index import Index
from .models import Health, IndexSummary, Readiness, Stats
from .transport import Transport


class Client:
    """One server. May be used by any number of threads at once; connections are kept and shared.

    Parameters:
        url: `http://host:port` or `https://host:port`.
        key: an API key; `read` is enough for all but publish and rollback.
        timeout: seconds that one call may take, retries and pauses included.
        retries: how often a call is tried again after a broken connection, 429 or 503.
        tls: where the system's certificates are not the ones to trust, or to show one:
            `ssl.create_default_context(cafile=...)`.
        most_idle: connections kept open while nobody uses them.
    """

    def __init__(self, url: str, key: Optional[str] = None, timeout: float = 30.0, retries: int = 2,
                 tls: Optional[ssl.SSLContext] = None, most_idle: int = 16) -> None:
        self._transport = Transport(url, key, timeout, retries, tls, most_idle)

    def index(self, name: str) -> Index:
        """The index of this name. Asks the server for nothing yet."""
        return Index(self._transport, name)

    def indexes(self) -> List[IndexSummary]:
        value = self._transport.get("/v1/indexes")
        items = value.get("indexes") if isinstance(value, dict) else None
        if not isinstance(items, list):
            raise BadAnswer("a list of indexes was expected")
        return [decode(IndexSummary, item) for item in items]

    def health(self) -> Health:
        """Whether the process is alive. Needs no key."""
        return decode(Health, self._transport.get("/health"))

    def ready(self) -> Readiness:
        """Whether every index answers, and what stands in the way. Needs no key; not being ready is no exception."""
        return decode(Readiness, self._transport.get("/ready", accept_unready=True))

    def stats(self) -> Stats:
        """What the server did in the last minute, by stage, and since it started."""
        return decode(Stats, self._transport.get("/stats"))

    def metrics(self) -> str:
        """The same as Prometheus reads it."""
        return self._transport.text("/metrics")

    def close(self) -> None:
        """Closes the kept connections; calls after it fail."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._transport.address!r})"
