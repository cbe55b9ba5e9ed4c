"""Which keys are taken, and what they are called at the destination. Pure: no network.

A path is what follows ``s3://bucket/``: any text, also with a leading ``/``. Let P be the source path without its one
trailing ``/``, and B be P up to and including its last ``/`` (empty if there is none)::

    source path    keys taken                                          name below the destination path
    -------------  --------------------------------------------------  ----------------------------------
    (none), `*`    all                                                 the whole key
    `a/b`          those that start with `a/b/`, and the key `a/b`     key without B (so `b/...`, and `b`)
    `a/b/`         those that start with `a/b/`                        key without B (so `b/...`)
    `a/b/*`        those below `a/b/`, not the marker `a/b/` itself    key without `a/b/`
    `a/b*`         those that start with `a/b`                         key without B (so `b...`)

Let D be the destination path, with the text of ``--dest-prefix`` put behind it, without one trailing ``/``: an object
goes to ``D/name``, or to ``name`` if D is empty. With ``--s3-prefixes`` D is put before the name as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise

DEFAULT_DESTINATION = "temp/dest/"
"""Path in the source bucket that objects go to where no destination is given (as in 2013)."""

_SCHEME = "s3://"
_BUCKET = re.compile(r"[a-zA-Z0-9._\-]{1,255}")
"""What botocore takes for a bucket's name: names older and freer than today's rules are still about."""
_NOT_YET = (("--x-s3", "directory buckets"), ("--xa-s3", "access points of directory buckets"),
            ("--op-s3", "Outposts"), ("--table-s3", "table buckets"), (".mrap", "multi-region access points"))


class PathError(ValueError):
    """A path that cannot be meant. The message is one line for people; it names SOURCE, DESTINATION or the flag."""


@dataclass(frozen=True)
class Area:
    """Keys taken from the source, and their names at the destination.

    The mapping replaces a prefix by another, so it keeps the order of keys.

    Attributes:
        prefix: keys that start with this are taken; empty: all.
        exact: this one key is taken too, to be looked up by itself; empty: none.
        skip: this key is not taken though it has the prefix (the marker `a/b/` of `a/b/*`); empty: none.
        strip: what is removed from the front of a key to get its name. Every key taken starts with it.
        destination: what a name is put behind: `D/`, or nothing, or D as it is.
        label: the path as typed, for messages: `s3://bucket/a/b`.
    """

    prefix: str
    exact: str = ""
    skip: str = ""
    strip: str = ""
    destination: str = ""
    label: str = ""

    def takes(self, key: str) -> bool:
        """Whether a source key belongs to this area."""
        return (key.startswith(self.prefix) and (not self.skip or key != self.skip)) or (
            self.exact != "" and key == self.exact)

    def destination_of(self, key: str) -> str:
        """The destination key of a source key of this area."""
        return self.destination + key[len(self.strip):]

    def source_of(self, destination_key: str) -> str | None:
        """The source key that goes to this destination key; None: none of this area does."""
        if not destination_key.startswith(self.destination):
            return None
        key = self.strip + destination_key[len(self.destination):]
        return key if self.takes(key) else None

    @property
    def prefix_of_destination(self) -> str:
        """What the destination keys of this area (but `exact`'s) start with."""
        return self.destination_of(self.prefix)

    @property
    def stays(self) -> bool:
        """Whether each key is mapped to itself."""
        return self.strip == self.destination


def parse_url(text: str, what: str) -> tuple[str, str]:
    """Splits ``s3://bucket[/path]``.

    Args:
        text: as typed.
        what: SOURCE, DESTINATION or a flag, for the message.

    Returns:
        The bucket and the path (empty for ``s3://bucket`` and ``s3://bucket/``).

    Raises:
        PathError: it is no such URL, or names a kind of bucket that is not supported.
    """
    if not text:
        raise PathError(f"{what} is empty: s3://BUCKET[/PATH] is wanted")
    if not text.startswith(_SCHEME):
        raise PathError(f"{what} {text!r} is no s3:// URL: s3://BUCKET[/PATH] is wanted")
    check_text(text, what)
    bucket, _, path = text[len(_SCHEME):].partition("/")
    if bucket.startswith("arn:"):
        kind = "Outposts" if ":s3-outposts:" in bucket else "access point ARNs"
        raise PathError(f"{what} {text!r}: {kind} are not supported yet")
    for suffix, kind in _NOT_YET:
        if bucket.endswith(suffix):
            raise PathError(f"{what} {text!r}: {kind} are not supported yet")
    if not _BUCKET.fullmatch(bucket):
        raise PathError(f"{what} {text!r}: {bucket!r} is no bucket name" if bucket else
                        f"{what} {text!r} names no bucket: s3://BUCKET[/PATH] is wanted")
    return bucket, path


def check_text(text: str, what: str) -> None:
    """Raises PathError for text that is not valid Unicode (bytes of an argument that are no UTF-8): no key is so."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PathError(f"{what} {text!r} is not valid UTF-8") from None


def below(path: str, name: str) -> str:
    """``PATH/NAME``: what `-p` and `-f` mean by a prefix or a key below a source path.

    >>> below("", "x"), below("a", "x"), below("a/", "x"), below("/", "x"), below("a", "/x")
    ('x', 'a/x', 'a/x', '/x', 'a//x')
    """
    return path + name if not path or path.endswith("/") else f"{path}/{name}"


def destination_prefix(destination_path: str, s3_prefixes: bool = False) -> str:
    """What names are put behind: D with a ``/``, or nothing, or with `s3_prefixes` D as it is (module docstring).

    Args:
        destination_path: with the text of ``--dest-prefix`` already put behind it.
        s3_prefixes: ``--s3-prefixes``.
    """
    if s3_prefixes:
        return destination_path
    stem = destination_path.removesuffix("/")
    return f"{stem}/" if stem else ""


def area_of(source_bucket: str, source_path: str, destination_path: str = "", s3_prefixes: bool = False) -> Area:
    """The area that a source path names, going to a destination path (the table above)."""
    to = destination_prefix(destination_path, s3_prefixes)
    label = url(source_bucket, source_path)
    if source_path in ("", "*"):
        return Area("", destination=to, label=label)
    if source_path.endswith("/*"):
        whole = source_path[:-1]
        return Area(whole, skip=whole, strip=whole, destination=to, label=label)
    if source_path.endswith("*"):
        start = source_path[:-1]
        return Area(start, strip=_folder(start), destination=to, label=label)
    stem = source_path.removesuffix("/")
    exact = source_path if stem == source_path else ""
    return Area(f"{stem}/", exact, strip=_folder(stem), destination=to, label=label)


def names_area(source_bucket: str, source_path: str, destination_path: str = "", s3_prefixes: bool = False) -> Area:
    """The naming of `-f` and `-F`: key ``PATH/KEY`` goes to ``D/KEY``; every character of KEY is literal.

    ``area.strip + KEY`` is the source key.
    """
    base = below(source_path, "")
    return Area(base, strip=base, destination=destination_prefix(destination_path, s3_prefixes),
                label=url(source_bucket, source_path))


def url(bucket: str, key: str) -> str:
    """``s3://bucket/key``, exact (for lines for people: text.escape it)."""
    return f"{_SCHEME}{bucket}/{key}" if key else _SCHEME + bucket


def _folder(path: str) -> str:
    """Up to and including the last ``/``; empty if there is none."""
    return path[:path.rfind("/") + 1]


# ------------------------------------------------------------------ several areas

def distinct(areas: tuple[Area, ...] | list[Area]) -> tuple[Area, ...]:
    """The areas without those that another one covers with the same naming: `b` and `b`, `b` and `b*`.

    What is left may still meet: see `meeting`.
    """
    kept: list[int] = []
    # An area comes right after those that may cover it.
    for i in sorted(range(len(areas)), key=lambda i: (
            areas[i].strip, areas[i].destination, areas[i].prefix, areas[i].skip, not areas[i].exact)):
        if not (kept and _covers(areas[kept[-1]], areas[i])):
            kept.append(i)
    return tuple(areas[i] for i in sorted(kept))


def _covers(wide: Area, narrow: Area) -> bool:
    """Whether every key of `narrow` is one of `wide`, with the same name."""
    return (wide.strip == narrow.strip and wide.destination == narrow.destination
            and narrow.prefix.startswith(wide.prefix) and (not wide.skip or narrow.prefix != wide.skip
                                                           or narrow.skip == wide.skip)
            and (not narrow.exact or wide.takes(narrow.exact)))


def same_names(areas: tuple[Area, ...] | list[Area]) -> tuple[Area, Area] | None:
    """Two areas of the command line that get the same names though they are different: exit status 2.

    `-p 2024/01 2025/01` (both `01/...`), `-p 2024/* 2025/*` (both anything). Areas that only overlap there
    (`-p b/* d`: anything, and `d/...`) may meet at some key, and are told key by key.
    """
    seen: dict[str, Area] = {}
    for area in areas:
        other = seen.setdefault(area.prefix_of_destination, area)
        if other.prefix != area.prefix or other.strip != area.strip:
            return other, area
    return None


def meeting(areas: tuple[Area, ...] | list[Area]) -> bool:
    """Whether some key could be the destination of source keys of two of these areas, as `area_of` makes them.

    They meet where one's destination keys start with what all of the other's start with (and so would the key
    `exact`, which lacks but the last ``/``). Sorted, such two stand next to each other.
    """
    starts = sorted(area.prefix_of_destination for area in areas)
    return any(after.startswith(before) for before, after in pairwise(starts))


# ------------------------------------------------------------------ one bucket for both sides

def equal(area: Area) -> bool:
    """Source equal to destination, of one bucket: each key is mapped to itself, or the same path stands twice.

    `s3://b/a s3://b` maps each key to itself. `s3://b/a s3://b/a` would fill `a/a/`, which nobody means.
    """
    return area.stays or (not area.skip and area.prefix.endswith("/")
                          and area.destination in (area.prefix, area.prefix[:-1]))


def in_place(area: Area) -> Area:
    """An area that is `equal`, with each key mapped to itself."""
    return replace(area, destination=area.strip)


def excluded_of(areas: tuple[Area, ...] | list[Area]) -> tuple[str, ...]:
    """Prefixes of keys that are no sources because copies go there: the destination inside the source, of one bucket.

    =====================  =========  ==========================================================
    areas and destination  result     why
    =====================  =========  ==========================================================
    all to `backup/`       `backup/`  it would be copied into itself
    `a/` to `a/x/`         `a/x/`     likewise
    `a/` to `x/`           none       apart
    `a/*` to the bucket    none       the destination is not inside: see CopyOptions.protected
    =====================  =========  ==========================================================
    """
    return tuple(sorted({area.destination for area in areas
                         if area.destination and not area.stays and area.destination.startswith(area.prefix)}))


@dataclass(frozen=True)
class Arrangement:
    """What the paths of one command come to: see the fields of the same names of CopyOptions."""

    areas: tuple[Area, ...]
    names_area: Area
    excluded: tuple[str, ...] = ()
    protected: tuple[Area, ...] = ()
    in_place: bool = False


def arrange(
    source_bucket: str, source_path: str, destination_path: str, *, s3_prefixes: bool = False,
    prefixes: tuple[str, ...] = (), keys: bool = False, prefix_lists: bool = False, one_bucket: bool = False,
    rewrite: bool = False,
) -> Arrangement:
    """Puts together the paths and lists of one command.

    Args:
        source_bucket: as it is; for messages.
        source_path: what follows ``s3://bucket/``.
        destination_path: likewise, with the text of ``--dest-prefix`` put behind it.
        s3_prefixes: ``--s3-prefixes``.
        prefixes: of `-p`.
        keys: whether there are `-f` or `-F`.
        prefix_lists: whether there are `-P`: their areas are not known yet, each is taken for all below the path.
        one_bucket: both sides are one bucket.
        rewrite: settings are given that make a rewrite in place worth while (``--storage-class``, ``--sse``, ``--acl``,
            ``--acl-grant``).

    Raises:
        PathError: a source path ends in `*` although there are lists; two prefixes get the same names; the source is
            the destination and no rewrite is asked.
    """
    if (prefixes or keys or prefix_lists) and source_path.endswith("*"):
        raise PathError(f"SOURCE {url(source_bucket, source_path)!r} ends in *: with -f, -p, -F or -P it must not")
    named = names_area(source_bucket, source_path, destination_path, s3_prefixes)
    if prefixes:
        areas = tuple(area_of(source_bucket, below(source_path, prefix), destination_path, s3_prefixes)
                      for prefix in prefixes)
    elif keys or prefix_lists:
        areas = ()
    else:
        areas = (area_of(source_bucket, source_path, destination_path, s3_prefixes),)
    rewriting = False
    if one_bucket:
        twice = source_path.endswith("*") and source_path == destination_path  # nobody means copies below `a/*/`
        same = next((area for area in (*areas, *((named,) if keys else ())) if twice or equal(area)), None)
        if same and not rewrite:
            raise PathError(f"SOURCE and DESTINATION are the same ({same.label}): nothing to do without "
                            "--storage-class, --sse, --acl or --acl-grant")
        rewriting = same is not None or rewrite and prefix_lists and equal(named)
        areas = tuple(in_place(area) if twice or equal(area) else area for area in areas)
    areas = distinct(areas)
    clash = same_names(areas)
    if clash:
        raise PathError(f"-p: {clash[0].label!r} and {clash[1].label!r} get the same names at the destination "
                        f"({clash[1].prefix_of_destination + '...'!r})")
    sources = (*areas, *((named,) if keys or prefix_lists else ())) if one_bucket else ()
    excluded = excluded_of(sources)
    # All destination keys start with the same text: where that is excluded, none can be a source.
    return Arrangement(areas, named, excluded, () if excluded else sources, rewriting)


# ------------------------------------------------------------------ what is said

def naming_note(area: Area) -> str:
    """A note where the last components of both paths are equal; empty: they are not.

    `s3://s/a/b s3://d/a/b` gives `a/b/b/...`, where others mirror.
    """
    if not area.exact and not (area.prefix.endswith("/") and area.prefix != area.strip):
        return ""
    last = area.prefix.removesuffix("/").rpartition("/")[2]
    if not last or area.destination.removesuffix("/").rpartition("/")[2] != last:
        return ""
    label = area.label.removesuffix("/")
    return (f"{label} gives {area.prefix_of_destination}... at the destination; "
            f"{label}/* leaves {last!r} out of the names")


def star_hint(area: Area) -> str:
    """Said where an area names nothing and has a `*` inside; empty: it has none."""
    if "*" not in area.prefix:
        return ""
    return f"{area.label}: a * anywhere but at the end of a path is a literal character"
