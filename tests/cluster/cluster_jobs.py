"""What the machines of a test's cluster do: jobs that leave a line in a file, take their time, fail, or die."""

import os
import time
from pathlib import Path
from typing import NamedTuple

from tool_gym.errors import UnknownName
from tool_gym.policies.catalog import Chosen
from tool_gym.policies.scripted import OraclePolicy, RandomPolicy


class Job(NamedTuple):
    number: int
    log: Path


def noted(job):
    import ray

    with job.log.open("a", encoding="utf-8") as file:
        file.write(f"{job.number} {ray.get_runtime_context().get_node_id()}\n")


def square(job):
    noted(job)
    time.sleep(2)
    return job.number**2


def die(job):
    noted(job)
    os._exit(1)


def mistake(job):
    raise UnknownName("thing", "thong", ["thing"])


def bug(job):
    raise ZeroDivisionError("a bug")


def devices(job):
    return os.environ.get("CUDA_VISIBLE_DEVICES")


class Grouped(RandomPolicy):
    """Says how many it was asked about, so that every other grouping gives other trajectories."""

    batch_sensitive = True

    def act(self, requests):
        return [
            decision._replace(message={"content": f"{len(requests)}", "tool_calls": []})
            if request.info["turn"] == 1
            else decision
            for request, decision in zip(requests, super().act(requests), strict=True)
        ]


def oracle(pack, executor):
    time.sleep(0.2)
    return Chosen(OraclePolicy(pack), shown=("single-1",))


class Slow(RandomPolicy):
    """Plays at random, and takes its time."""

    def act(self, requests):
        time.sleep(0.1)
        return super().act(requests)


def slow(pack, executor):
    return Chosen(Slow(3))


def grouped(pack, executor):
    return Chosen(Grouped(3))


def broken(pack, executor):
    raise UnknownName("model", "m", ["n"])
