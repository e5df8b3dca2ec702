"""The cache of documents has a size in bytes, and its estimate is no fable."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from graphql import get_introspection_query

from gateway.api.graphql.cache import SizedCache
from gateway.api.graphql.checked import Checked, check
from gateway.api.graphql.limits import DocumentLimits
from tests.api.graphql.shop import SCHEMA

#: Python keeps the names of methods that were looked up last, and validation makes them each time.
LOOKED_UP = [
    tracemalloc.Filter(inclusive=False, filename_pattern=f"*/graphql/{name}.py")
    for name in ("language/visitor", "utilities/type_info")
]


def test_what_was_used_last_stays() -> None:
    cache: SizedCache[str, int] = SizedCache(3)
    for n, name in enumerate("abc"):
        cache.put(name, n, 1)
    assert cache.get("a") == 0
    cache.put("d", 3, 1)
    assert [cache.get(name) for name in "abcd"] == [0, None, 2, 3]
    assert len(cache) == cache.bytes == 3


def test_one_large_entry_takes_the_place_of_many() -> None:
    cache: SizedCache[str, int] = SizedCache(3)
    for name in "abc":
        cache.put(name, 1, 1)
    cache.put("d", 2, 2)
    assert [cache.get(name) for name in "abcd"] == [None, None, 1, 2]


def test_what_is_larger_than_the_cache_is_not_kept_and_takes_its_old_value_away() -> None:
    cache: SizedCache[str, int] = SizedCache(3)
    cache.put("a", 1, 1)
    cache.put("b", 2, 1)
    cache.put("a", 3, 4)
    assert (cache.get("a"), cache.get("b"), cache.bytes) == (None, 2, 1)


def test_a_value_that_is_put_again_counts_once() -> None:
    cache: SizedCache[str, int] = SizedCache(3)
    cache.put("a", 1, 2)
    cache.put("a", 2, 3)
    assert (cache.get("a"), cache.bytes) == (2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "{lines{nodes{id}}}",
        get_introspection_query(),
        "query(" + " ".join(f"$v{i}:Int!" for i in range(40)) + "){lines(where:{ids:["
        + " ".join(f"$v{i}" for i in range(40)) + "]}){nodes{id}}}",
        "{lines(where:{ids:[" + "1 " * 500 + "]}){nodes{id}}}",
        "#\n" * 150 + "{lines(after:" + '"' + "x" * 60_000 + '"' + "){nodes{id}}}",
        "{lines(after:" + '"' + "\U0001f600" * 10_000 + '"' + "){nodes{id}}}",
    ],
    ids=["small", "introspection", "variables", "numbers", "a string and comments", "emoji"],
)  # fmt: skip
def test_a_document_takes_no_more_memory_than_it_is_counted_for(text: str) -> None:
    def checked(padding: int) -> Checked:
        made = check(
            f"{text}{' ' * padding}", SCHEMA._schema, DocumentLimits(), may_introspect=True
        )
        assert isinstance(made, Checked)
        return made

    checked(0)  # Fills what is made on first use.
    gc.collect()
    tracemalloc.start()
    try:
        kept = [checked(padding) for padding in range(1, 11)]
        gc.collect()
        traces = tracemalloc.take_snapshot().filter_traces(LOOKED_UP)
    finally:
        tracemalloc.stop()
    taken = sum(statistic.size for statistic in traces.statistics("filename"))
    counted = sum(one.bytes for one in kept)
    assert counted / 4 < taken < counted
