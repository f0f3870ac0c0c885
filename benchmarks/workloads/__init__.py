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
            sha256="e56f0a9ebbd6adab295590f8678099dce5322dc5d69bcbed28b5b0ea47576b3d",
        ),
    )
}
"""By name; a digest that no longer fits means that figures from before cannot be compared."""
