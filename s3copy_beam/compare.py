"""When is a destination object up to date? One pure function, `judge`, and the facts it may ask for. No network.

The first row that applies. Times are LastModified in whole seconds. HEADs are asked for only where a row needs them::

    #  known                                                                          answer      requests
    -  -----------------------------------------------------------------------------  ----------  --------
    1  no destination object, or sizes differ                                         copy               0
    2  both sizes 0, or ETags equal                                                   up to date         0
    3  destination older than source                                                  copy               0
    4  HEAD of both in checksum mode: full-object checksums of one algorithm          equal or not       2
    5  composite checksums of the same algorithm and part count, equal                up to date         2
    6  both ETags plain MD5s: neither KMS nor SSE-C, on a store whose ETags are MD5s  copy               2
    7  both multipart of the same layout (HEAD ?partNumber=1), else as row 6          copy               4
    8  the rest: destination strictly newer                                           unproven
    9  the rest                                                                       copy

`unproven` objects are up to date, and counted. By mode: `etag` stops after row 2 (copy); `size` asks sizes only;
`checksum` copies what is unproven. `no_overwrite`: what is there is up to date, whatever it is. For `--verify` row 3 is
not asked and rows 8 and 9 are unproven; with `size`, what differs in its ETag is unproven too.

Why this is safe: row 3 finds a source that changed after it was copied (its LastModified is later), on every store and
encryption, so rows 4-9 are left with destinations that someone wrote after the source.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from s3copy_beam.model import Listed
from s3copy_beam.options import CopyOptions

ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects cannot be read before they are restored (S3 documentation, storage classes)."""

UNSEEN = Listed("", -1, "*", 0)
"""A destination that may not be looked at (HEAD says 403): maybe there, maybe not. It is copied (row 1), and the plan's
`replaces` is ``*``: no condition on what is replaced can be made."""

_PLAIN = re.compile(r"[0-9a-f]{32}")
_MULTIPART = re.compile(r"[0-9a-f]{32}-([0-9]{1,5})")
_OPAQUE = ("aws:kms", "aws:kms:dsse", "SSE-C")
"""Encryptions under which an ETag is no MD5 (S3 documentation, Object)."""


class Verdict(enum.Enum):
    """What is to be done with one source object."""

    COPY = enum.auto()
    UP_TO_DATE = enum.auto()
    UNPROVEN = enum.auto()


class Ask(enum.Enum):
    """What must be known before a verdict."""

    CHECKSUMS = enum.auto()
    """HEAD of both in checksum mode."""
    LAYOUTS = enum.auto()
    """HEAD ?partNumber=1 of both."""


@dataclass(frozen=True)
class Seen:
    """What a HEAD in checksum mode told of one object.

    Attributes:
        etag: of the version that was seen.
        encryption: empty, ``AES256``, ``aws:kms``, ``aws:kms:dsse`` or ``SSE-C``; None: the HEAD told nothing.
        checksums: by algorithm (``CRC64NVME``), base64.
        checksum_type: ``FULL_OBJECT``, ``COMPOSITE``, or empty where the store does not say.
    """

    etag: str = ""
    encryption: str | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    checksum_type: str = ""

    @property
    def opaque(self) -> bool:
        """Whether the ETag must not be taken for an MD5: encrypted so, or not known."""
        return self.encryption is None or self.encryption in _OPAQUE

    @property
    def full(self) -> dict[str, str]:
        """Checksums of the whole object. CRC64NVME is always that (S3 documentation, checking object integrity).

        Where a store does not say what the checksum of a multipart object is of, it is of nothing known.
        """
        if self.checksum_type == "COMPOSITE":
            return {}
        told = self.checksum_type or not parts_of(self.etag)
        return {name: value for name, value in self.checksums.items()
                if "-" not in value and (told or name == "CRC64NVME")}

    @property
    def composite(self) -> dict[str, str]:
        """Checksums made of the parts' checksums: their values end in ``-N``, the part count."""
        return {name: value for name, value in self.checksums.items() if "-" in value}


@dataclass(frozen=True)
class Facts:
    """What is known of a pair beyond the listings.

    Attributes:
        source: from HEAD; None: not asked yet.
        destination: likewise.
        layouts: (part size in bytes, part count) of source and destination, from HEAD ?partNumber=1; None: not asked
            yet. (0, 0): not known.
        etags_are_md5: whether the store's ETags are taken for MD5s, where encryption allows it.
        blind: HEADs have shown before that they prove nothing for pairs like this one: they are not asked for.
    """

    source: Seen | None = None
    destination: Seen | None = None
    layouts: tuple[tuple[int, int], tuple[int, int]] | None = None
    etags_are_md5: bool = True
    blind: bool = False


NOTHING_KNOWN = Facts()


def judge(
    source: Listed, destination: Listed | None, facts: Facts = NOTHING_KNOWN, mode: str = "auto", *,
    no_overwrite: bool = False, verify: bool = False,
) -> Verdict | Ask:
    """The verdict on one pair, or what must be asked first (the module's table).

    Args:
        source: as listed.
        destination: as listed; None: there is none. See also UNSEEN.
        facts: what HEADs told so far.
        mode: ``auto``, ``etag``, ``checksum`` or ``size``.
        no_overwrite: what is there is up to date.
        verify: nothing will be copied: COPY then means "missing" or "different".
    """
    if destination is None or (source.size != destination.size and (not no_overwrite or destination is UNSEEN)):
        return Verdict.COPY  # 1
    if no_overwrite or source.size == 0 or (source.etag == destination.etag and source.etag):
        return Verdict.UP_TO_DATE  # 2
    if mode == "size":
        return Verdict.UNPROVEN if verify else Verdict.UP_TO_DATE
    if mode == "etag" or (destination.modified < source.modified and not verify):
        return Verdict.COPY  # 3
    answer = None if facts.blind else _by_heads(source, destination, facts)
    if answer is not None:
        return answer
    if verify or (destination.modified > source.modified and mode != "checksum"):
        return Verdict.UNPROVEN  # 8
    return Verdict.COPY  # 9


def _by_heads(source: Listed, destination: Listed, facts: Facts) -> Verdict | Ask | None:
    """Rows 4 to 7; None: none of them applies."""
    if facts.source is None or facts.destination is None:
        return Ask.CHECKSUMS
    ours, theirs = facts.source.full, facts.destination.full
    common = ours.keys() & theirs.keys()
    if common:  # 4
        return Verdict.UP_TO_DATE if all(ours[name] == theirs[name] for name in common) else Verdict.COPY
    if facts.source.composite.items() & facts.destination.composite.items():
        return Verdict.UP_TO_DATE  # 5: the value tells the part count too
    if not facts.etags_are_md5 or facts.source.opaque or facts.destination.opaque:
        return None
    if _PLAIN.fullmatch(source.etag) and _PLAIN.fullmatch(destination.etag):
        return Verdict.COPY  # 6
    count = parts_of(source.etag)
    if not count or count != parts_of(destination.etag):
        return None
    if facts.layouts is None:
        return Ask.LAYOUTS
    one, other = facts.layouts
    return Verdict.COPY if one == other and one[0] else None  # 7


def parts_of(etag: str) -> int:
    """Part count that the ETag of a multipart object tells; 0: it is none."""
    found = _MULTIPART.fullmatch(etag)
    return int(found[1]) if found else 0


def archived(source: Listed) -> bool:
    """Whether an object cannot be read: in an archive, and not restored."""
    return source.storage_class in ARCHIVED and not source.restored


def as_asked(options: CopyOptions, storage_class: str, encryption: str | None = None, kms_key: str = "") -> bool | None:
    """Whether an object that is rewritten in place already is as asked; None: only a HEAD can tell.

    An ACL can't be seen, so where one is asked nothing ever is.

    Args:
        options: what is asked.
        storage_class: of the object, as listed.
        encryption: of the object, from HEAD; None: no HEAD yet.
        kms_key: likewise, its ARN.
    """
    if options.acl or options.grants or options.storage_class not in ("KEEP", storage_class):
        return False
    if not options.sse:
        return True
    if encryption is None:
        return None
    key = options.sse_kms_key_id
    return encryption == options.sse and (not key or key == kms_key or kms_key.endswith(f"/{key}"))
