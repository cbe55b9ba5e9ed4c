"""From the words of a command line to the settings of a copy. Pure: nothing is opened, nobody is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from s3copy_beam import paths
from s3copy_beam.command.help import USAGE
from s3copy_beam.command.parser import Arguments, UsageError
from s3copy_beam.options import Access, CopyOptions, Identity, Names
from s3copy_beam.text import escape

_EXCLUDE_EACH_OTHER = (
    ("acl_grant", "acl"), ("no_sign_request", "a"), ("no_sign_request", "config_file"), ("no_sign_request", "profile"),
    ("dest_config", "dest_profile"), ("verify", "abort_uploads"), ("dry_run", "abort_uploads"), ("dry_run", "verify"),
    ("staged", "verify"), ("staged", "abort_uploads"),
)
_LISTS = ("file", "prefix", "files", "prefixes")
_REWRITES = ("storage_class", "sse", "acl", "acl_grant")
"""Settings that make it worth while to copy an object onto itself."""
_REPORTS = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True)
class Call:
    """A command line as settings.

    Attributes:
        options: all but what only a look at the world and the runner tell: see preflight.py and engine.py.
        first: a note that goes before all others, escaped; empty: there is none.
        notes: for people, escaped.
    """

    options: CopyOptions
    first: str = ""
    notes: tuple[str, ...] = ()


def build(given: Arguments, run_id: str) -> Call:
    """Makes the settings.

    Args:
        given: the command line.
        run_id: of this run; also the name of its keys in the vault.

    Raises:
        UsageError, paths.PathError: the call is wrong.
    """
    _check(given)
    source_bucket, source_path, bucket, path, first = _sides(given)
    source, destination, lister = _accesses(given, source_bucket, bucket, run_id)
    names = _names(given)
    prefix_lists = tuple(Names(url=url, null=given.get("null", False)) for url in given.get("prefixes", ()))
    aborting, s3_prefixes = given.get("abort_uploads", False), given.get("s3_prefixes", False)
    if aborting and len(given.paths) == 1 and source_path.endswith("*"):  # as a source is: all keys that start so
        source_path, path, s3_prefixes = source_path[:-1], path.removesuffix("*"), True
    one_bucket = source_bucket == bucket and not aborting
    plan = paths.arrange(
        source_bucket, source_path, path, s3_prefixes=s3_prefixes,
        prefixes=tuple(given.get("prefix", ())), keys=bool(names), prefix_lists=bool(prefix_lists),
        one_bucket=one_bucket, rewrite=any(name in given.values for name in _REWRITES),
    )
    notes = [note for area in plan.areas if not aborting and (note := paths.naming_note(area))]
    options = CopyOptions(
        source=source, destination=destination, lister=lister,
        areas=plan.areas, names=names, names_area=plan.names_area if names else None, prefix_lists=prefix_lists,
        source_path=source_path, destination_path=path, s3_prefixes=s3_prefixes,
        excluded=plan.excluded, protected=plan.protected, in_place=plan.in_place,
        compare=given.get("compare", "auto"), no_overwrite=given.get("no_overwrite", False),
        verify=given.get("verify", False), dry_run=given.get("dry_run", False), abort_uploads=aborting,
        storage_class=given.get("storage_class", "KEEP" if plan.in_place else "STANDARD"),
        sse=given.get("sse", ""), sse_kms_key_id=given.get("sse_kms_key_id", ""),
        sse_bucket_key=given.get("sse_bucket_key", False),
        acl=given.get("acl", ""), grants=tuple(given.get("acl_grant", ())), tags=not given.get("no_tags", False),
        multipart=given.get("multipart", "keep"),
        report=given.get("report", ""), report_all=given.get("report_all", False),
        verbose=given.get("verbose", False), run_id=run_id,
        **{name: given.values[name] for name in (
            "part_size", "large_file", "concurrency", "retries", "max_requests_per_second", "spread_parts",
        ) if name in given.values},
    )
    return Call(_with_work_area(given, options), escape(first), tuple(map(escape, notes)))


def accesses(given: Arguments, run_id: str) -> tuple[Access, Access, Access]:
    """The ways to both sides alone: see CopyOptions.source, destination and lister. Raises what `build` does."""
    source_bucket, _, bucket, *_ = _sides(given)
    return _accesses(given, source_bucket, bucket, run_id)


def _check(given: Arguments) -> None:
    """Options that do not go together."""
    spelled = given.given
    for one, other in _EXCLUDE_EACH_OTHER:
        if one in spelled and other in spelled:
            raise UsageError(f"{spelled[one]} and {spelled[other]} exclude each other")
    for one, other in (("a", "k"), ("k", "a")):
        if one in spelled and other not in spelled:
            raise UsageError(f"-{one} needs -{other}")
    for name in ("sse_kms_key_id", "sse_bucket_key"):
        if name in spelled and not given.get("sse", "").startswith("aws:kms"):
            raise UsageError(f"{spelled[name]} needs --sse aws:kms")
    if given.get("abort_uploads"):
        for name in _LISTS:
            if name in spelled:
                raise UsageError(f"{spelled[name]} and --abort-uploads exclude each other")
    if [*given.get("files", ()), *given.get("prefixes", ())].count("-") > 1:
        raise UsageError("-F - or -P - more than once: standard input can be read once")


def _sides(given: Arguments) -> tuple[str, str, str, str, str]:
    """Bucket and path of the source, of the destination, and what is to be said about them."""
    if not given.paths:
        raise UsageError(f"SOURCE is missing: {USAGE} (see --help)")
    source_bucket, source_path = paths.parse_url(given.paths[0], "SOURCE")
    first = ""
    if len(given.paths) == 2:
        bucket, path = paths.parse_url(given.paths[1], "DESTINATION")
    elif given.get("abort_uploads"):
        bucket, path = source_bucket, source_path
    else:
        bucket, path = source_bucket, paths.DEFAULT_DESTINATION
        first = f"no DESTINATION is given: copies go to {paths.url(bucket, path)}"
    return source_bucket, source_path, bucket, path + given.get("dest_prefix", ""), first


def _accesses(given: Arguments, source_bucket: str, bucket: str, run_id: str) -> tuple[Access, Access, Access]:
    """The ways to the source, to the destination, and to the destination as it is listed."""
    first = Identity(
        vault=run_id if "a" in given.values else "", s3cfg=given.get("config_file", ""),
        profile=given.get("profile", ""), anonymous=given.get("no_sign_request", False))
    second = Identity(s3cfg=given.get("dest_config", ""), profile=given.get("dest_profile", ""))
    url = given.get("endpoint_url", "")
    source = Access(source_bucket, url, given.get("source_region", ""), first, "request_payer" in given.values)
    destination = replace(source, bucket=bucket, endpoint_url=given.get("dest_endpoint_url", url),
                          region=given.get("dest_region", ""))
    return source, destination, replace(destination, identity=first if second == Identity() else second)


def _names(given: Arguments) -> tuple[Names, ...]:
    null = given.get("null", False)
    listed = tuple(Names(url=url, null=null, report=url.endswith(_REPORTS)) for url in given.get("files", ()))
    keys = tuple(given.get("file", ()))
    return (*((Names(given=keys),) if keys else ()), *listed)


def _with_work_area(given: Arguments, options: CopyOptions) -> CopyOptions:
    """Where ``--staged`` keeps its part files; they are never sources."""
    name = given.get("work_bucket", options.destination.bucket)
    flag = given.given.get("work_bucket", "DESTINATION")
    bucket, path = paths.parse_url(name if name.startswith("s3://") else f"s3://{name}", flag)
    if path:
        raise UsageError(f"{flag} {name!r}: a bucket without a path; the path is --work-prefix")
    if not given.get("staged"):
        return options
    prefix = given.get("work_prefix", "temp/")
    excluded = options.excluded
    if bucket == options.source.bucket:
        if not prefix:
            raise UsageError("--work-prefix '': the work area would be the whole source bucket")
        excluded = (*excluded, prefix)
    return replace(
        options, staged=True, work=replace(options.destination, bucket=bucket), work_prefix=prefix,
        clean_parts=given.get("clean_parts", False), excluded=excluded)
