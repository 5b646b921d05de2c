"""What can go wrong, as exceptions. All are `TesseraError`; what the server said is an `APIError`, one class a code."""
from __future__ import annotations

from typing import Any, Mapping, Optional


class TesseraError(Exception):
    """The base of all of them."""


class ConnectionFailed(TesseraError):
    """No answer came: the server cannot be reached, its certificate is not trusted, or the connection broke.

    Whether the request was carried out is not known. The cause is in `__cause__`.
    """


class TimedOut(ConnectionFailed):
    """No answer came within the client's `timeout`."""


class BadAnswer(TesseraError):
    """An answer that is not what the API promises: something else listens there, or a far older or newer server."""


class APIError(TesseraError):
    """The server refused or failed.

    `code` is stable and for programs, `message` for people; `details` may name the wrong `field`, a `limit`, or the
    `offset` in the body. The server's log has more under `trace_id`.
    """

    def __init__(self, status: int, code: str, message: str, details: Optional[Mapping[str, Any]] = None,
                 trace_id: Optional[str] = None, retry_after: Optional[float] = None) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.details: Mapping[str, Any] = dict(details or {})
        self.trace_id = trace_id
        self.retry_after = retry_after
        """Seconds after which the server wants to be asked again, where it said so."""

    def __str__(self) -> str:
        return f"{self.message} ({self.code}, {self.status})"


class InvalidArgument(APIError):
    """The request asks for what cannot be; `details["field"]` says where."""


class Unauthenticated(APIError):
    """No key, or one that is not known."""


class PermissionDenied(APIError):
    """The key may read, but not publish or roll back."""


class NotFound(APIError):
    """No such index, version, draft or id; or no operating point reaches the recall."""


class MethodNotAllowed(APIError):
    """The path exists, but not with this method."""


class RequestTimeout(APIError):
    """The body did not reach the server in time."""


class Conflict(APIError):
    """Another publish or rollback was faster: look at the versions, then decide anew."""


class PayloadTooLarge(APIError):
    """The body is larger than the server takes: send smaller batches."""


class Overloaded(APIError):
    """The server has its hands full, and had it at each retry."""


class Corrupted(APIError):
    """An object of the index is damaged."""


class Internal(APIError):
    """The server failed."""


class Unsupported(APIError):
    """The index or this server cannot do that."""


class Unavailable(APIError):
    """Shards or the store cannot be reached now, or the server is closing."""


class DeadlineExceeded(APIError):
    """`deadline_ms` passed before the answer was there."""


class ResourceExhausted(APIError):
    """A disk, quota or memory budget of the server is used up."""


BY_CODE: Mapping[str, type[APIError]] = {
    "invalid_argument": InvalidArgument,
    "unauthenticated": Unauthenticated,
    "permission_denied": PermissionDenied,
    "not_found": NotFound,
    "method_not_allowed": MethodNotAllowed,
    "request_timeout": RequestTimeout,
    "conflict": Conflict,
    "payload_too_large": PayloadTooLarge,
    "overloaded": Overloaded,
    "corrupted": Corrupted,
    "internal": Internal,
    "unsupported": Unsupported,
    "unavailable": Unavailable,
    "deadline_exceeded": DeadlineExceeded,
    "resource_exhausted": ResourceExhausted,
}
