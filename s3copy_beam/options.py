"""Everything that a copy is told, as immutable values that travel with the job. No credentials: only where they are."""

from __future__ import annotations

from dataclasses import dataclass, field

from s3copy_beam.paths import Area

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40

MIN_PART, MAX_PART = 5 * MIB, 5 * GIB
"""S3 documentation, multipart upload limits; the last part may be smaller."""
MAX_PARTS = 10_000
MAX_COPY = 5 * GIB
"""CopyObject's largest object."""
MARK_PART = 10_000
"""Number of the part that marks an upload as ours."""


@dataclass(frozen=True)
class Identity:
    """Where credentials are found, on whichever machine needs them; never the credentials themselves.

    The first of these that is given: `vault` (keys handed over in this process, see s3/identity.py), `s3cfg`,
    `profile`; else the AWS chain. `anonymous`: requests are not signed.
    """

    vault: str = ""
    s3cfg: str = ""
    profile: str = ""
    anonymous: bool = False


@dataclass(frozen=True)
class Access:
    """One bucket and the way to it."""

    bucket: str
    endpoint_url: str = ""
    """Empty: as boto3 finds it (environment, profile, AWS)."""
    region: str = ""
    """Empty: as boto3 finds it; a redirect corrects it."""
    identity: Identity = field(default_factory=Identity)
    request_payer: bool = False


@dataclass(frozen=True)
class Names:
    """A list of keys: given (`-f`), or in a file (`-F`) of lines or NUL-ended names, or a report of an earlier run."""

    given: tuple[str, ...] = ()
    url: str = ""
    """Local path, `-`, or a URL that smart-open reads."""
    null: bool = False
    report: bool = False


@dataclass(frozen=True)
class CopyOptions:
    """All settings of one copy.

    Attributes:
        source: where objects are read.
        destination: where they are written; all copies are made through this, signed by this identity.
        lister: the destination again, as it is listed and looked at (another identity, or the same).
        areas: the parts of the source that are listed, each with its naming.
        names: keys looked up by themselves; `names_area` names them.
        layout: "local" (one process; nothing of per-object size is shuffled) or "cluster" (work is redistributed).
        started: a second before the run began, by the destination server's clock; 0: unknown. What was written later,
            with the source's ETag, this run wrote.
        run_id: tells runs apart; also finds this process's observer of the run.
    """

    source: Access
    destination: Access
    lister: Access
    areas: tuple[Area, ...] = ()
    names: tuple[Names, ...] = ()
    names_area: Area | None = None
    prefix_lists: tuple[Names, ...] = ()
    """Lists of prefixes (`-P`); each prefix becomes an area by paths.area_of."""
    source_path: str = ""
    destination_path: str = ""
    s3_prefixes: bool = False
    excluded: tuple[str, ...] = ()
    """Source keys below these are left out: the destination inside the source, the work area of --staged."""
    protected: tuple[Area, ...] = ()
    """Same bucket: a destination key that one of these takes would overwrite a source."""
    in_place: bool = False
    """Source equal to destination: each object is rewritten with the settings asked."""

    # how things are compared
    compare: str = "auto"
    no_overwrite: bool = False
    verify: bool = False
    dry_run: bool = False
    abort_uploads: bool = False

    # what a copy gets
    storage_class: str = "STANDARD"
    """`KEEP`: the source's."""
    sse: str = ""
    sse_kms_key_id: str = ""
    sse_bucket_key: bool = False
    acl: str = ""
    grants: tuple[tuple[str, str], ...] = ()
    """(PERMISSION, grantee as the header has it: ``id="..."``, ``uri="..."``, ``emailAddress="..."``)."""
    tags: bool = True

    # how it is moved
    multipart: str = "keep"
    part_size: int = 64 * MIB
    large_file: int = 5 * GIB
    concurrency: int = 0
    """Requests at a time in each process; 0: adapts, starting at 40."""
    retries: int = 10
    max_requests_per_second: float = 0
    """Of each process; 0: no limit."""
    staged: bool = False
    work: Access | None = None
    work_prefix: str = "temp/"
    clean_parts: bool = False

    # how the work is spread
    layout: str = "local"
    spread_parts: int = 64
    """Objects of more parts are spread over workers on a cluster, and assembled after a group by key."""
    spread_local: bool = False
    """The same locally: for tests of the group by key."""
    batch_objects: int = 256
    batch_bytes: int = 5 * GIB
    ranges: int = 1
    """Key ranges that listing begins with (cluster: some times the workers)."""

    # what is said
    report: str = ""
    report_all: bool = False
    verbose: bool = False
    live: bool = False
    """Outcomes go to this process's observer as they happen; else the report is written by the pipeline."""
    started: int = 0
    retried_bundles: bool = False
    """The runner may run a bundle again: what was written after `started` counts as copied by this run."""
    run_id: str = ""
