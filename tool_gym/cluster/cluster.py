"""A cluster: the machines that Ray has joined. Work goes to them in jobs.

A machine that dies costs the jobs that it had not finished, which run again elsewhere. Jobs end in any order: whoever
wants the same results from every cluster makes jobs that depend on their arguments alone, and puts results in order.
"""

from __future__ import annotations

import logging
import platform
import socket
from collections.abc import Callable, Generator, Iterable
from itertools import islice
from types import TracebackType
from typing import Any, Generic, TypeVar

from tool_gym._version import __version__
from tool_gym.errors import InputError, ToolGymError

J = TypeVar("J")
R = TypeVar("R")

_RETRIES = 3
"""So often is a job run again whose machine or process died; more often, and it is the job that kills them."""
_AHEAD = 2
"""Jobs in flight for each processor: the next one is there when one ends, and results do not pile up."""
_PATIENCE_S = 10.0
"""Seconds in which the head's machine must answer."""


class ClusterError(InputError):
    """There is no cluster, its machines differ, or they keep dying; the text says which."""


class Shared(Generic[R]):
    """A value that is sent to a machine once, and only if a job there asks for it."""

    def __init__(self, reference: Any) -> None:
        self._reference = reference

    def get(self) -> R:
        """The value, in a job."""
        import ray

        value: R = ray.get(self._reference)
        return value


class Cluster:
    """A connection to the machines; the block's end closes it, unless it was there before.

    Every machine needs the same version of this package, and whatever packages the jobs need.

    Args:
        address: `HOST:PORT` of the head, or `auto`; this process must run on one of the machines.

    Raises:
        InputError: If the package ray is not installed.
        ClusterError: If there is no cluster.
    """

    def __init__(self, address: str) -> None:
        try:
            import ray
        except ImportError:
            raise InputError("a cluster needs the package ray; pip install 'tool-gym[ray]' on every machine") from None
        self._ray = ray
        self._ours = not ray.is_initialized()
        try:
            _knock(address)
            ray.init(address, ignore_reinit_error=True, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError) as error:
            raise ClusterError(
                f"no Ray cluster that can be used at {address!r} ({error}); start one with `ray start --head`, further "
                "machines with `ray start --address HOST:PORT`, and give that address"
            ) from None

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ours:
            self._ray.shutdown()

    def share(self, value: R) -> Shared[R]:
        """Makes a value known to jobs, which are given the `Shared`."""
        return Shared(self._ray.put(value))

    def slots(self, resource: str = "CPU") -> int:
        """How many processors, or of another resource of Ray as `GPU`, the machines have together."""
        return int(self._ray.cluster_resources().get(resource, 0))

    def map(self, function: Callable[[J], R], jobs: Iterable[J], *, gpu: bool = False) -> Generator[R, None, None]:
        """Runs jobs, each on a processor of its own, and yields what they return as they end, in any order.

        Args:
            function: What a job does; of a module that every machine has.
            jobs: Its arguments, which travel pickled.
            gpu: Whether each job needs a GPU of its own.

        Raises:
            ClusterError: If a job's machines or processes died again and again, or cannot run it.
            ToolGymError: What the function raised; all else that it raised comes as Ray's `RayTaskError`.
        """
        # Processes stay for the next job, with what they have opened; without the 0, those with a GPU would not.
        task = self._ray.remote(max_retries=_RETRIES, max_calls=0, num_gpus=int(gpu))(_run)
        waiting, running = iter(jobs), list[Any]()
        try:
            while True:
                room = _AHEAD * max(1, self.slots("GPU" if gpu else "CPU")) - len(running)
                running += [task.remote(__version__, function, job) for job in islice(waiting, max(0, room))]
                if not running:
                    return
                (done, *_), running = self._ray.wait(running)
                yield self._result(done)
        finally:
            for unfinished in running:
                self._ray.cancel(unfinished)

    def _result(self, done: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(done)
        except errors.RayTaskError as error:
            if isinstance(error.cause, ToolGymError):
                raise error.cause from None
            if "ModuleNotFoundError" in str(error):
                reason = str(error).strip().splitlines()[-1]
                raise ClusterError(
                    f"a machine of the cluster cannot run the job ({reason}); install the same packages on each"
                ) from None
            raise
        except errors.RayError as error:
            raise ClusterError(
                f"the machines that ran a job died, {_RETRIES + 1} times in a row ({type(error).__name__}: "
                f"{str(error).strip().splitlines()[0]}); see that they have the memory for it, then run the same again"
            ) from None


def _knock(address: str) -> None:
    """Sees that somebody is there, because Ray itself waits for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=_PATIENCE_S).close()


def _run(version: str, function: Callable[[J], R], job: J) -> R:
    """A job, on its machine."""
    if version != __version__:
        raise ClusterError(
            f"machine {platform.node()} has tool-gym {__version__}, this one {version}; install the same on each"
        )
    return function(job)
