"""Names that have broken tools like this one."""

from __future__ import annotations

import re

HOSTILE = [
    "a//b", "a///b", "/lead", "//lead", "trail/", "double-trail//", ".", "..", "a/./b", "a/../b", "../up", ".hidden",
    "plus+sign", "per%cent", "per%2Fcent", "per%252B", "que?stion", "que?versionId=1", "hash#tag", "amp&ersand",
    "eq=ual;semi", "sp ace", " lead", "trail ", "two  spaces", "tab\tkey", "new\nline", "cr\rkey", "crlf\r\nfailed s3://b/k",
    "bell\x07", "escape\x1b[31mred", "delete\x7f", "one\x01", "quote\"double", "quote'single", "<xml>&amp;</xml>",
    "]]>", "back\\slash", "dollar$at@bang!", "star*", "*", "br[ack]et{s}", "pipe|caret^tick`", "tilde~", "comma,colon:",
    "umlaut-\u00e9", "umlaut-e\u0301", "\u6f22\u5b57", "emoji-\U0001faa3", "rtl-\u202ekey", "line\u2028separator",
    "nbsp\u00a0key", "zero\u200bwidth", "last-\uffff", "last-\U0010ffff", "long-" + "x" * 1019, "\u00fc" * 512,
    "deep/" * 150 + "end", "(round)", "http://host/path", "s3://bucket/key", "-n", "--dry-run", "#comment", "null", "0",
]
"""Each is at most 1,024 bytes in UTF-8. No server takes all of them: Bucket.holds finds those that one takes."""

NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What XML 1.0 has no way to write: listings have a URL encoding for it, answers to uploads have not."""
