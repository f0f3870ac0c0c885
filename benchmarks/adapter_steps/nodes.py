"""A Ray cluster of three nodes of one processor each, on this machine."""

from __future__ import annotations

from typing import Any


def three_nodes() -> Any:
    """The cluster; it has `address`, `remove_node` and `shutdown`, and its nodes but the head's are `worker_nodes`."""
    from ray.cluster_utils import Cluster

    size = {"num_cpus": 1, "object_store_memory": 100 << 20}
    nodes = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    for _ in range(2):
        nodes.add_node(**size)
    nodes.wait_for_nodes()
    return nodes
