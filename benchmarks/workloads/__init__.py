"""The two workloads of the throughput benchmark."""

from workloads import heavy, three_tools
from workloads.plays import Workload

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "three-tools",
            three_tools.KINDS,
            turns=12,
            count=2048,
            sha256="10002ee180766a9bfd4612bbc8d79a068256ec20b86c45ce039a511b1c9e4a01",
        ),
        Workload(
            "heavy",
            heavy.KINDS,
            turns=8,
            count=3072,
            sha256="6ed2e96c4a8371190795b208403bdf7de840bd8e5187495b2e375d179014886d",
        ),
    )
}
"""By name; a digest that no longer fits means that figures from before cannot be compared."""
