"""What the server answers, as small frozen dataclasses with the names of the API.

Fields that a newer server adds are passed over; one that is missing or of another type is a `BadAnswer`.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Result:
    """One neighbour. Of `score` more is better, of `distance` less."""

    id: str
    score: float
    distance: Optional[float] = None
    vector: Optional[FloatArray] = None
    """`[dimension]`, as the refine tier keeps it; with `with_vectors`."""


@dataclass(frozen=True)
class Receipt:
    """What a query cost, summed over the shards that answered. Times in microseconds."""

    shards_offered: int
    shards_touched: int
    lists_scanned: int
    lists_skipped: int
    codes_scanned: int
    rows_refined: int
    reads: int
    round_trips: int
    bytes_read: int
    route_us: float
    scan_us: float
    refine_us: float
    resolve_us: float
    choose_lists_us: float = 0.0


@dataclass(frozen=True)
class SearchAnswer:
    """The answer to one query, nearest first."""

    version: int
    results: List[Result]
    complete: bool
    """False where shards did not answer, which only `allow_partial` permits; `share` says how many did."""
    took_ms: float
    source: str
    """The slowest tier that it needed: ram, disk, store; or cache."""
    share: Optional[float] = None
    receipt: Optional[Receipt] = None

    @property
    def ids(self) -> List[str]:
        return [result.id for result in self.results]


@dataclass(frozen=True)
class BatchAnswer:
    """The answers to many queries, in their order, all from one version."""

    version: int
    results: List[List[Result]]
    complete: bool
    took_ms: float
    source: str
    share: Optional[float] = None
    receipts: Optional[List[Receipt]] = None

    @property
    def ids(self) -> List[List[str]]:
        return [[result.id for result in row] for row in self.results]


@dataclass(frozen=True)
class IndexSummary:
    name: str
    version: Optional[int]
    vectors: int
    dimension: int
    metric: Optional[str]
    shards: int


@dataclass(frozen=True)
class OperatingPoint:
    """A way to search, with the recall that was measured for it."""

    nprobe: int
    refine: int
    recall: float
    standard_error: float
    codes_scanned: float
    rows_refined: float


@dataclass(frozen=True)
class IndexDetail:
    name: str
    version: Optional[int]
    created_at: Optional[str]
    kind: Optional[str]
    vectors: int
    dimension: int
    metric: Optional[str]
    shards: int
    lists: int
    bytes: int
    element_type: Optional[str]
    refine: Optional[str]
    default_nprobe: int
    default_refine: int
    max_k: int
    max_batch: int
    recall_k: Optional[int]
    operating_points: List[OperatingPoint]
    problem: Optional[str]
    code_bytes: Optional[float] = None
    """Of a vector in the first tier."""
    partition: Optional[str] = None


@dataclass(frozen=True)
class Version:
    version: int
    state: str
    created_at: Optional[str]
    kind: Optional[str]
    rollback_of: Optional[int]
    draft: Optional[str]
    vectors: Optional[int]
    shards: Optional[int]


@dataclass(frozen=True)
class Draft:
    id: str
    created_at: str
    vectors: int
    shards: int


@dataclass(frozen=True)
class VersionList:
    index: str
    serving: Optional[int]
    versions: List[Version]
    drafts: List[Draft]


@dataclass(frozen=True)
class Shard:
    ordinal: int
    digest: str
    vectors: int
    lists: int
    bytes: int


@dataclass(frozen=True)
class ShardList:
    index: str
    version: int
    shards: List[Shard]


@dataclass(frozen=True)
class Publication:
    index: str
    version: int
    kind: str
    vectors: int
    already_published: bool


@dataclass(frozen=True)
class Health:
    status: str
    uptime_s: float


@dataclass(frozen=True)
class IndexReadiness:
    name: str
    ready: bool
    version: Optional[int]
    problem: Optional[str]


@dataclass(frozen=True)
class Readiness:
    ready: bool
    closing: bool
    indexes: List[IndexReadiness]


@dataclass(frozen=True)
class Distribution:
    """Milliseconds over the window."""

    count: int
    min: float
    mean: float
    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True)
class RequestCounts:
    total: int
    by_status: Dict[str, int]
    queries: int
    running: int
    waiting: int
    refused: int


@dataclass(frozen=True)
class ResponseCache:
    enabled: bool
    hits: int
    misses: int
    entries: int
    bytes: int


@dataclass(frozen=True)
class IndexUse:
    name: str
    version: Optional[int]
    in_use: int
    retiring: int
    flips: int
    problem: Optional[str]


@dataclass(frozen=True)
class Drift:
    """Shares of the last recorded queries that lie farther from their cell than 95 and 99 of 100 kept ones."""

    version: int
    queries: int
    beyond_p95: float
    beyond_p99: float


@dataclass(frozen=True)
class IndexQueryLog:
    name: str
    seen: int
    recorded: int
    dropped: int
    waiting: int
    bytes: int
    failing: bool
    drift: Optional[Drift]


@dataclass(frozen=True)
class QueryLog:
    enabled: bool
    share: float
    indexes: List[IndexQueryLog]


@dataclass(frozen=True)
class MemoryTier:
    """Shards in memory: a hit is a shard that a query scanned and that was there."""

    hits: int
    misses: int
    hit_rate: Optional[float]
    loads: int
    failures: int
    evictions: int
    refusals: int
    shards: int
    bytes: int
    budget: int


@dataclass(frozen=True)
class DiskTier:
    """What a remote store sent, kept on disk: a hit is a read that the store was not asked for."""

    hits: int
    misses: int
    hit_rate: Optional[float]
    entries: int
    bytes: int


@dataclass(frozen=True)
class StoreTier:
    requests: int
    bytes_read: int


@dataclass(frozen=True)
class PlaceTiers:
    """The tiers of one place where shards are searched: a worker's address, or "here"."""

    place: str
    ram: MemoryTier
    disk: Optional[DiskTier]
    store: Optional[StoreTier]


@dataclass(frozen=True)
class Stats:
    uptime_s: float
    window_s: float
    stages: Dict[str, Distribution]
    requests: RequestCounts
    sources: Dict[str, int]
    response_cache: ResponseCache
    connections: int
    indexes: List[IndexUse]
    tiers: List[PlaceTiers]
    query_log: Optional[QueryLog] = None
