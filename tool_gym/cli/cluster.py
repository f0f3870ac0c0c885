"""The option --ray, which commands have whose work many machines can do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tool_gym.cluster.cluster import Cluster

Ray = Annotated[
    str | None, typer.Option(help="Ray cluster whose machines do the work, as auto or HOST:PORT.", metavar="ADDRESS")
]


@contextmanager
def connected(address: str | None) -> Iterator[Cluster | None]:
    """The cluster, or None without an address. What Ray prints when a machine dies goes to stderr."""
    if address is None:
        yield None
        return
    from tool_gym.cluster.cluster import Cluster

    with redirect_stdout(sys.stderr), Cluster(address) as cluster:
        yield cluster
