"""The two workloads of the throughput benchmark."""

from workloads import heavy, three_tools
from workloads.plays import Workload

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("three-tools", three_tools.KINDS, 12, 1024, "0"),
        Workload("heavy", heavy.KINDS, 8, 4096, "0"),
    )
}
"""By name; a digest that no longer fits means that figures from before cannot be compared."""
