"""One index of a server: search it, look at its versions, move it to another one."""
from __future__ import annotations

import base64
from typing import Any, Dict, Optional
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from .decode import batch_answer, decode, search_answer
from .models import BatchAnswer, IndexDetail, Publication, SearchAnswer, ShardList, VersionList
from .transport import Transport


class Index:
    """Made by `Client.index`. As safe for threads as the client.

    The search methods share these parameters; what is left out, the server decides:
        k: results a query.
        recall: search as cheaply as reaches this share of the true neighbours. Not together with the next two.
        nprobe, refine: lists scanned; candidates re-ranked.
        score_threshold: results with a lower score are left out.
        deadline_ms: the server gives up after so many milliseconds (`DeadlineExceeded`).
        allow_partial: shards that cannot be reached are left out, and the answer says `complete=False`.
        with_vectors: each result carries its vector.
        version: answer from this version or not at all (`NotFound`).
        explain: the answer carries what it cost.
    """

    def __init__(self, transport: Transport, name: str) -> None:
        self.name = name
        self._transport = transport
        self._path = "/v1/indexes/" + quote(name, safe="")

    def search(self, vector: npt.ArrayLike, k: int = 10, *, recall: Optional[float] = None,
               nprobe: Optional[int] = None, refine: Optional[int] = None, score_threshold: Optional[float] = None,
               deadline_ms: Optional[float] = None, allow_partial: bool = False, with_vectors: bool = False,
               version: Optional[int] = None, explain: bool = False) -> SearchAnswer:
        """The nearest vectors to `vector`, an array `[dimension]`."""
        asked = _parameters(k, recall, nprobe, refine, score_threshold, deadline_ms, allow_partial, with_vectors,
                            version, explain)
        return search_answer(self._search({"vector": _base64(vector, 1), **asked}))

    def search_batch(self, vectors: npt.ArrayLike, k: int = 10, *, recall: Optional[float] = None,
                     nprobe: Optional[int] = None, refine: Optional[int] = None,
                     score_threshold: Optional[float] = None, deadline_ms: Optional[float] = None,
                     allow_partial: bool = False, with_vectors: bool = False, version: Optional[int] = None,
                     explain: bool = False) -> BatchAnswer:
        """The nearest vectors to each row of `vectors`, an array `[queries][dimension]`."""
        asked = _parameters(k, recall, nprobe, refine, score_threshold, deadline_ms, allow_partial, with_vectors,
                            version, explain)
        rows = np.asarray(vectors)
        return batch_answer(self._search({"vectors": _base64(rows, 2), **asked}), len(rows))

    def search_like(self, id: str, k: int = 10, *, recall: Optional[float] = None, nprobe: Optional[int] = None,
                    refine: Optional[int] = None, score_threshold: Optional[float] = None,
                    deadline_ms: Optional[float] = None, allow_partial: bool = False, with_vectors: bool = False,
                    version: Optional[int] = None, explain: bool = False) -> SearchAnswer:
        """More like the vector of this id, which is left out itself."""
        asked = _parameters(k, recall, nprobe, refine, score_threshold, deadline_ms, allow_partial, with_vectors,
                            version, explain)
        return search_answer(self._search({"id": id, **asked}))

    def detail(self) -> IndexDetail:
        """What it holds, how it is searched, which version answers."""
        return decode(IndexDetail, self._transport.get(self._path))

    def versions(self) -> VersionList:
        """All versions, ascending, the one that answers, and the drafts that wait."""
        return decode(VersionList, self._transport.get(self._path + "/versions"))

    def shards(self) -> ShardList:
        """The shards of the version that answers."""
        return decode(ShardList, self._transport.get(self._path + "/shards"))

    def publish(self, draft: str, timeout: float = 3600.0) -> Publication:
        """Makes a draft the next version. Needs an admin key. Publishing it again gives the version it became.

        The server first reads back every object and measures recall: minutes, for a large index. `timeout` is in seconds.
        """
        return decode(Publication, self._transport.post(self._path + "/versions:publish", {"draft": draft}, repeatable=True,
                                                        timeout=timeout))

    def rollback(self, version: int, timeout: float = 3600.0) -> Publication:
        """A new version with the content of an older one. Needs an admin key. `timeout` is in seconds.

        Where it raises `ConnectionFailed`, it may have happened: look at `versions()` before trying again.
        """
        return decode(Publication, self._transport.post(self._path + "/versions:rollback", {"version": version}, repeatable=False,
                                                        timeout=timeout))

    def _search(self, request: Dict[str, Any]) -> Any:
        return self._transport.post(self._path + "/search", request, repeatable=True)

    def __repr__(self) -> str:
        return f"Index({self.name!r} of {self._transport.address!r})"


def _base64(values: npt.ArrayLike, dimensions: int) -> str:
    array = np.ascontiguousarray(values, dtype="<f4")
    if np.ndim(values) != dimensions or array.size == 0:
        wanted = "[dimension]" if dimensions == 1 else "[queries][dimension]"
        raise ValueError(f"an array {wanted} is wanted, not one of shape {np.shape(values)}")
    return base64.b64encode(array.tobytes()).decode("ascii")


def _parameters(k: int, recall: Optional[float], nprobe: Optional[int], refine: Optional[int],
                score_threshold: Optional[float], deadline_ms: Optional[float], allow_partial: bool,
                with_vectors: bool, version: Optional[int], explain: bool) -> Dict[str, Any]:
    asked: Dict[str, Any] = {
        "k": k, "recall": recall, "nprobe": nprobe, "refine": refine, "score_threshold": score_threshold,
        "deadline_ms": deadline_ms, "version": version,
        "allow_partial": allow_partial or None,
        "with": ["distance", "vector"] if with_vectors else None,
        "explain": explain or None,
    }
    return {name: _number(value) for name, value in asked.items() if value is not None}


def _number(value: Any) -> Any:
    """NumPy's numbers as Python's, which JSON knows."""
    return value.item() if isinstance(value, np.generic) else value
