"""Trials as tasks of a Ray cluster, restarted if a worker or a machine is lost, collected as they finish."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Generator
from typing import Any

from archlab.errors import MissingPartError, UsageError
from archlab.experiments._local import Work, concluded
from archlab.experiments._parcel import Answer, Parcel, put_in_place, work_on
from archlab.experiments._plan import Resources, TrialSpec, split_reference
from archlab.experiments._trial import Attempt, Outcome

# Ray reads these before it is loaded. Values set by the user take precedence.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_PROMPT_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "GRPC_VERBOSITY": "NONE",
}
_CONNECT = 5.0  # seconds


def on_ray(work: Work) -> Generator[Outcome, None, None]:
    """Run every trial as a Ray task. Finished trials are never lost; a failed trial does not stop the others."""
    if not work.specs:
        return
    ray = _load()
    own = not ray.is_initialized()
    if own:
        _connect(ray, work.address)
    tasks: dict[Any, TrialSpec] = {}
    try:
        _check_resources(ray, work.resources)
        needs = work.resources
        task = ray.remote(num_cpus=needs.cpus, num_gpus=needs.gpus, memory=needs.memory, max_retries=work.retries)(
            work_on
        )
        for spec in work.specs:
            named = {split_reference(spec.reference)[0], split_reference(spec.base)[0]}
            parcel = Parcel(
                spec,
                work.trial,
                work.output.resolve(),
                work.identity,
                {path: data for path, data in work.files.items() if path in named},
                max(1, int(needs.cpus)),
            )
            tasks[task.options(name=str(spec)).remote(parcel)] = spec
        while tasks:
            done, _ = ray.wait([*tasks], timeout=1.0)  # with a timeout, so that Ctrl-C works
            for each in done:
                spec = tasks.pop(each)
                yield concluded(work, spec, _collect(ray, each, work, spec))
    finally:
        for each in tasks:
            ray.cancel(each, force=True)
        if own:
            ray.shutdown()


def _collect(ray: Any, task: Any, work: Work, spec: TrialSpec) -> Attempt:
    """The result of a trial, after its files are in place."""
    times = "" if not work.retries else f", {work.retries + 1} times"
    try:
        answer: Answer = ray.get(task)
    except ray.exceptions.OutOfMemoryError:
        return Attempt(f"its machine ran out of memory{times}: raise resources.memory, or run fewer trials at once")
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
        return Attempt(f"its worker or machine was lost{times}")
    except ray.exceptions.RayError as error:
        return Attempt(f"Ray: {_first_line(error)}", str(error))
    if answer.files is not None:
        put_in_place(work.output / spec.folder, answer.files)
    return answer.attempt


def _load() -> Any:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise MissingPartError("the engine ray needs Ray: pip install 'archlab[cluster]'") from None
    return ray


def _connect(ray: Any, address: str | None) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    address = address or os.environ.get("RAY_ADDRESS")
    if address is None:
        ray.init(include_dashboard=False, **quiet)
        return
    _check_address(address)
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UsageError(f"no Ray cluster at {address}: {_first_line(error)}") from None


def _check_address(address: str) -> None:
    """Check that something answers at the address: Ray itself would retry for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdigit()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "nothing answers"
        raise UsageError(f"no Ray cluster at {address}: {reason.lower()}") from None


def _check_resources(ray: Any, needs: Resources) -> None:
    """Check that a machine can run a trial: otherwise the trials would wait forever."""
    requested = {"CPU": needs.cpus, "GPU": needs.gpus, "memory": needs.memory or 0}
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(all(machine.get(key, 0) >= amount for key, amount in requested.items()) for machine in machines):
        largest = ", ".join(
            f"{max((machine.get(key, 0) for machine in machines), default=0):,.10g} {word}"
            for key, word in (("CPU", "CPU cores"), ("GPU", "GPUs"), ("memory", "bytes of memory"))
        )
        raise UsageError(f"resources: no machine of the cluster can run a trial: the largest has {largest}")


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
