"""Pools whose workers run plain Python: what the language layer would refuse, the layers below it must contain."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tool_gym.sandbox.doctor import RAW, attempt
from tool_gym.sandbox.handle import Limits
from tool_gym.sandbox.pool import Pool
from tool_gym.sandbox.work import Result, Work

Attempt = Callable[..., Result]


@pytest.fixture(scope="module")
def raw_pool() -> Iterator[Pool]:
    pool = Pool(Limits(call_time_limit_s=0.3, memory_limit_mb=256), workers=2, language=RAW)
    yield pool
    pool.close()


@pytest.fixture
def raw(raw_pool: Pool) -> Attempt:
    """Runs the function `f` of a plain Python source in a sealed worker."""
    return lambda source, domain="raw": attempt(raw_pool, source, domain)


def work_of(sources: list[str], domain: str = "raw", budget_s: float = 60.0) -> Work:
    """Calls of the functions `f` of some plain Python sources, in one session."""
    work = Work(domain, {}, None, budget_s)
    work.sources = [(source, "f", source, {}) for source in sources]
    work.calls = [(source, b"{}", bytes(32)) for source in sources]
    return work


@pytest.fixture
def raw_work() -> Callable[..., Work]:
    return work_of
