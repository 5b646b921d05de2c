"""From JSON values to the dataclasses of `models`, checked field by field."""
from __future__ import annotations

import dataclasses
import functools
import typing
from typing import Any, Callable, Dict, List, Optional, Tuple, Type, TypeVar, Union, cast

import numpy as np

from .errors import BadAnswer
from .models import BatchAnswer, Receipt, Result, SearchAnswer

T = TypeVar("T")
Reader = Callable[[Any], Any]


def decode(kind: Type[T], value: Any) -> T:
    """An instance of the dataclass `kind`."""
    reader: Reader = _reader(cast(Any, kind))
    made: T = reader(value)
    return made


def search_answer(value: Any) -> SearchAnswer:
    head = _head(value)
    receipt = value.get("receipt")
    return SearchAnswer(results=_results(value.get("results")),
                        receipt=None if receipt is None else decode(Receipt, receipt), **head)


def batch_answer(value: Any, count: int) -> BatchAnswer:
    head = _head(value)
    rows, receipts = value.get("results"), value.get("receipts")
    if not isinstance(rows, list) or len(rows) != count:
        raise BadAnswer(f"the answer to {count} queries does not hold {count} lists of results")
    return BatchAnswer(results=[_results(row) for row in rows],
                       receipts=None if receipts is None else _reader(List[Receipt])(receipts), **head)


def _head(value: Any) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise BadAnswer(f"an object was expected, not {_shown(value)}")
    return {name: _reader(kind)(value.get(name)) for name, kind in _HEAD.items()}


_HEAD: Dict[str, Any] = {
    "version": int, "complete": bool, "took_ms": float, "source": str, "share": Optional[float],
}


def _results(value: Any) -> List[Result]:
    # A batch has thousands: made by hand, without the readers below.
    try:
        return [
            Result(item["id"], item["score"], item.get("distance"),
                   np.asarray(item["vector"], np.float32) if "vector" in item else None)
            for item in value
        ]
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise BadAnswer(f"results that are none: {_shown(value)}") from error


@functools.lru_cache(maxsize=None)
def _reader(kind: Any) -> Reader:
    if dataclasses.is_dataclass(kind):
        return _object_reader(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Union:
        present = _reader(next(argument for argument in arguments if argument is not type(None)))
        return lambda value: None if value is None else present(value)
    if origin is list:
        item = _reader(arguments[0])
        return lambda value: [item(each) for each in _of(value, list)]
    if origin is dict:
        entry = _reader(arguments[1])
        return lambda value: {str(key): entry(each) for key, each in _of(value, dict).items()}
    return functools.partial(_plain, kind)


def _object_reader(kind: Any) -> Reader:
    hints = typing.get_type_hints(kind)
    # A field with a default may be missing: an older server does not send it.
    fields: List[Tuple[str, Reader, bool]] = [
        (field.name, _reader(hints[field.name]), field.default is not dataclasses.MISSING)
        for field in dataclasses.fields(kind)
    ]

    def read(value: Any) -> Any:
        source = _of(value, dict)
        made = {}
        for name, reader, may_be_missing in fields:
            if may_be_missing and name not in source:
                continue
            try:
                made[name] = reader(source.get(name))
            except BadAnswer as error:
                raise BadAnswer(f"{kind.__name__}.{name}: {error}") from None
        return kind(**made)

    return read


def _plain(kind: Any, value: Any) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise BadAnswer(f"{kind.__name__} was expected, not {_shown(value)}")


def _of(value: Any, kind: Type[T]) -> T:
    if not isinstance(value, kind):
        raise BadAnswer(f"{kind.__name__} was expected, not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
