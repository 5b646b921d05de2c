"""Kept connections to one server, shared by threads: each is used by one thread at a time, the last returned first."""
from __future__ import annotations

import http.client
import os
import select
import ssl
import threading
from typing import List, Optional

from .errors import ConnectionFailed, TimedOut


class ConnectionPool:
    """Hands out connections. Never limits how many are in use; keeps at most `most_idle` that are not."""

    def __init__(self, host: str, port: int, tls: Optional[ssl.SSLContext], most_idle: int) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._most_idle = most_idle
        self._lock = threading.Lock()
        self._idle: List[http.client.HTTPConnection] = []
        self._process = os.getpid()
        self._closed = False

    def take(self, timeout: float, fresh: bool) -> http.client.HTTPConnection:
        """A kept connection that still stands, or a new one; `fresh` asks for a new one."""
        while not fresh:
            connection = self._pop()
            if connection is None:
                break
            if _stands(connection):
                connection.sock.settimeout(timeout)
                return connection
            connection.close()
        return self._connect(timeout)

    def give(self, connection: http.client.HTTPConnection) -> None:
        """Takes back a connection whose answer was read to its end."""
        with self._lock:
            if not self._closed and self._process == os.getpid() and len(self._idle) < self._most_idle:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _pop(self) -> Optional[http.client.HTTPConnection]:
        with self._lock:
            if self._process != os.getpid():
                # The sockets belong to the parent of this process: two must not read from one.
                inherited, self._idle, self._process = self._idle, [], os.getpid()
                for connection in inherited:
                    connection.close()
            return self._idle.pop() if self._idle else None

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if self._closed:
            raise ConnectionFailed("the client is closed")
        if self._tls is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        else:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)
        try:
            connection.connect()
        except (TimeoutError, OSError) as error:
            connection.close()
            kind = TimedOut if isinstance(error, TimeoutError) else ConnectionFailed
            raise kind(f"cannot connect to {self._host}:{self._port}: {error}") from error
        return connection


def _stands(connection: http.client.HTTPConnection) -> bool:
    """Whether the server has neither closed it nor said anything that nobody asked for."""
    if connection.sock is None:
        return False
    if not hasattr(select, "poll"):
        return not select.select([connection.sock], [], [], 0)[0]
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)
