"""Which runner a job goes to, and what that means for the run. Nothing here imports Beam."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace

from s3copy_beam.command.parser import Arguments, UsageError
from s3copy_beam.options import CopyOptions

IN_PROCESS = "FnApiRunner"
"""The runner by default, and of `DirectRunner`: Beam's own choice there depends on what it can download."""
_LOCAL = {"direct", "fnapi", "bundlebaseddirect", "switchingdirect"}
_LOOPBACK = {"prism"}
_LEAST_RANGES = 16
_CLUSTER_BATCH = 64
"""Objects: so few that one page of a listing occupies all workers of a small cluster."""


def is_local(url: str) -> bool:
    """Whether a list or a report is a file of this machine."""
    return "://" not in url


@dataclass(frozen=True)
class Engine:
    """What is to be known of a runner.

    Attributes:
        runner: its name for Beam.
        in_process: the whole run is in this process.
        here: its workers are in this process, so keys that were typed reach them.
        same_machine: its workers are on this machine, so local files reach them.
        repeats: bundles may be run again.
        processes: that send requests, as far as the options tell.
        counted: they tell it; else there may be more.
        flink: HOST:PORT of Flink's REST API; empty: not known.
    """

    runner: str = IN_PROCESS
    in_process: bool = True
    here: bool = True
    same_machine: bool = True
    repeats: bool = False
    processes: int = 1
    counted: bool = True
    flink: str = ""

    @property
    def own_processes(self) -> bool:
        """Its workers are processes that are begun by this one."""
        return self.runner == IN_PROCESS and not self.in_process

    @property
    def elsewhere(self) -> bool:
        """Whether its workers have only what travels with the job."""
        return not self.same_machine

    @property
    def may_go_on(self) -> bool:
        """Whether a job that Beam was asked to cancel may go on all the same."""
        return self.elsewhere and not self.flink and "dataflow" not in self.runner.lower()

    @property
    def live(self) -> bool:
        """Whether outcomes can be told as they happen, each once."""
        return self.in_process and not self.repeats


def engine_of(beam: Namespace | None) -> Engine:
    """The engine that Beam's options ask for; None: there are none."""
    if beam is None:
        return Engine()
    name = beam.runner or IN_PROCESS
    kind = name.rpartition(".")[2].lower().removesuffix("runner")
    if kind in _LOCAL:
        several = beam.direct_running_mode == "multi_processing"
        return Engine(IN_PROCESS, not several, not several, True, several or beam.direct_runner_bundle_repeat > 0,
                      beam.direct_num_workers or os.cpu_count() or 1 if several else 1)
    loopback = beam.environment_type == "LOOPBACK" or kind in _LOOPBACK and not beam.environment_type
    flink = beam.flink_master if kind == "flink" and not beam.flink_master.startswith("[") else ""
    return Engine(name, False, loopback, loopback, True, *((1, True) if loopback else _processes(beam)), flink=flink)


def _processes(beam: Namespace) -> tuple[int, bool]:
    """Python processes of a cluster, at most, and whether that is told: by `--num_workers`, or by `--parallelism`, as
    many as it could occupy.

    Flink has one process for each TaskManager and `--sdk_worker_parallelism`. It does not tell how many TaskManagers
    there are: `--num_workers` does.
    """
    machines = int(beam.max_num_workers or beam.num_workers or 0)
    if machines:
        return max(1, machines) * max(1, int(beam.sdk_worker_parallelism or 1)), True
    parallelism = int(beam.parallelism or 0)
    return max(1, parallelism, int(beam.sdk_worker_parallelism or 1)), parallelism > 0


def check_engine(engine: Engine, given: Arguments, options: CopyOptions) -> None:
    """Raises UsageError for what cannot be where this engine works."""
    if "a" in given.values and not engine.here:
        raise UsageError(f"-a and -k do not travel with a job to {engine.runner}, others could read them: have its "
                         "workers find credentials (-c with a file there, --profile, a role)")
    if given.get("detach") and (engine.same_machine or engine.in_process):
        raise UsageError(f"--detach: {engine.runner} ends with this command")
    for flag, names in (("-F", options.names), ("-P", options.prefix_lists)):
        for name in names:
            if name.url == "-" and not engine.same_machine:
                raise UsageError(f"{flag} -: standard input does not reach the workers of {engine.runner}: give a file")
            if name.url and is_local(name.url) and not engine.same_machine:
                raise UsageError(f"{flag} {name.url}: no local file reaches the workers of {engine.runner}: give a URL")
    if options.report and is_local(options.report) and not engine.same_machine:
        raise UsageError(f"--report {options.report}: the workers of {engine.runner} cannot write it: give a URL")


def settled(options: CopyOptions, engine: Engine) -> CopyOptions:
    """The options, with what the runner decides."""
    cluster = not engine.in_process
    return replace(
        options, live=engine.live, retried_bundles=engine.repeats and not options.verify,
        layout="cluster" if cluster else "local",
        batch_objects=_CLUSTER_BATCH if cluster else options.batch_objects,
        ranges=max(_LEAST_RANGES, 4 * engine.processes) if cluster else 1,
        max_requests_per_second=options.max_requests_per_second / engine.processes)


def words_for(engine: Engine, beam: Sequence[str], server: Sequence[str]) -> list[str]:
    """Beam's options as its pipeline gets them: the runner pinned, credentials of its own file access left out."""
    kept = [word for word in beam if not word.startswith(("--runner=", *SECRETS))]
    added = [word for known, word in _FOR_CLUSTERS if engine.elsewhere and not any(known in mine for mine in kept)]
    return [f"--runner={engine.runner}", *kept, *added, *server]


_FOR_CLUSTERS = (
    # Flink ends a worker whenever none of its steps runs, between two stages too, and starts it anew: some 10 s each
    ("--environment_cache_millis", "--environment_cache_millis=60000"),
    # a worker hands on what it has every 500 ms: else a step's outputs wait for the end of its bundle, or for 10 MB
    ("data_buffer_time_limit_ms", "--experiments=data_buffer_time_limit_ms=500"),
)
"""Options that clusters get unless they are given."""


SECRETS = ("--s3_access_key_id=", "--s3_secret_access_key=", "--s3_session_token=")
"""Options of Beam that must not travel with a job: its options are shown to everybody who may see the job."""


def warnings_of(beam: Sequence[str], options: CopyOptions, engine: Engine) -> list[str]:
    """What is to be said about Beam's options."""
    warnings = []
    theirs = sorted({word.partition("=")[0] for word in beam if word.startswith("--s3_")})
    if theirs:
        warnings.append(f"{', '.join(theirs)}: Beam's own access to files, which the copy does not use; see "
                        "--endpoint-url, --profile and -c")
    if options.max_requests_per_second and not engine.counted:
        warnings.append("--max-requests-per-second is not divided, each process of the job may send as many: "
                        "--num_workers says how many there are")
    return warnings
