"""Client of Tessera over HTTP: search, batches, versions. Needs the standard library and NumPy.

    from tessera_client import Client

    with Client("http://127.0.0.1:8080") as client:
        for result in client.index("photos").search(vector, k=5).results:
            print(result.id, result.distance)
"""
from .client import Client
from .errors import (
    APIError,
    BadAnswer,
    Conflict,
    ConnectionFailed,
    Corrupted,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    PayloadTooLarge,
    PermissionDenied,
    RequestTimeout,
    ResourceExhausted,
    TesseraError,
    TimedOut,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from .index import Index
from .models import (
    BatchAnswer,
    Distribution,
    Draft,
    Health,
    IndexDetail,
    IndexReadiness,
    IndexSummary,
    IndexUse,
    OperatingPoint,
    Publication,
    Readiness,
    Receipt,
    RequestCounts,
    ResponseCache,
    Result,
    SearchAnswer,
    Shard,
    ShardList,
    Stats,
    Version,
    VersionList,
)

__all__ = [
    "APIError", "BadAnswer", "BatchAnswer", "Client", "Conflict", "ConnectionFailed", "Corrupted", "DeadlineExceeded",
    "Distribution", "Draft", "Health", "Index", "IndexDetail", "IndexReadiness", "IndexSummary", "IndexUse", "Internal",
    "InvalidArgument", "MethodNotAllowed", "NotFound", "OperatingPoint", "Overloaded", "PayloadTooLarge",
    "PermissionDenied", "Publication", "Readiness", "Receipt", "RequestCounts", "RequestTimeout", "ResourceExhausted",
    "ResponseCache", "Result", "SearchAnswer", "Shard", "ShardList", "Stats", "TesseraError", "TimedOut",
    "Unauthenticated", "Unavailable", "Unsupported", "Version", "VersionList",
]
