"""Answers of stores as values: what they say, in each dialect; what they must not be taken for."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from s3copy_beam.s3 import answers, xmltree
from s3copy_beam.s3.answers import Acl, Copied, Grant, Part, Upload
from s3copy_beam.s3.errors import BadAnswer, Kind, S3Error, kind_of
from s3copy_beam.s3.refusal import error_of

XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@pytest.mark.parametrize("etag", [b'"abc"', b"&quot;abc&quot;", b"&#34;abc&#34;", b"abc", b'<![CDATA["abc"]]>'])
@pytest.mark.parametrize("root", [b"CopyObjectResult", b"CopyPartResult"])
@pytest.mark.parametrize("before", [b"", XML, b"  \n \n" + XML, XML + b"\n"])
def test_copies(etag: bytes, root: bytes, before: bytes) -> None:
    body = (
        before + b"<" + root + NAMESPACE + b"><ETag>" + etag + b"</ETag><LastModified>2024-01-01T00:00:00.000Z"
        b"</LastModified><ChecksumCRC64NVME>x+/=</ChecksumCRC64NVME></" + root + b">"
    )
    assert answers.parse_copied(body) == Copied("abc", {"CRC64NVME": "x+/="}, 1_704_067_200)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        XML,
        b"<CopyObjectResult/>",
        b"<CopyObjectResult><ETag></ETag></CopyObjectResult>",
        b"<CopyObjectResult><ETag>abc</ETag>",
        b"<html></html>",
        b"<ListBucketResult></ListBucketResult>",
        b"<CopyObjectResult><ETag>abc</ETag></CopyObjectResult><x/>",
        b"<CopyObjectResult><ETag>abc</ETag><LastModified>now</LastModified></CopyObjectResult>",
        b'<!DOCTYPE a [<!ENTITY e "x">]><CopyObjectResult><ETag>&e;</ETag></CopyObjectResult>',
    ],
)
def test_what_is_no_copy(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        answers.parse_copied(body)


def test_completed_after_white_space() -> None:
    body = (
        b" \n" * 500
        + XML
        + b"<CompleteMultipartUploadResult><ETag>&quot;a-2&quot;</ETag></CompleteMultipartUploadResult>"
    )
    assert answers.parse_completed(body) == "a-2"
    assert answers.parse_completed(b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>") == ""


@pytest.mark.parametrize(
    "parse",
    [
        answers.parse_completed,
        answers.parse_copied,
        lambda body: answers.parse_created({}, body),
        answers.parse_parts,
        answers.parse_uploads,
        answers.parse_tags,
        answers.parse_attributes,
        answers.parse_acl,
    ],
)
def test_an_error_is_an_error_and_a_cut_is_one_too(parse: object) -> None:
    assert callable(parse)
    with pytest.raises(S3Error) as raised:
        parse(b"   " + XML + b"<Error><Code>InternalError</Code><Message>m</Message></Error>")
    assert raised.value.code == "InternalError"
    for body in (b"", b"<html>", b"<html></html>", b"<Err", b"\x00"):
        with pytest.raises(BadAnswer):
            parse(body)
    with pytest.raises(BadAnswer):
        parse(b"<Error></Error>")


def test_created() -> None:
    body = b"<InitiateMultipartUploadResult><UploadId>u+/=</UploadId></InitiateMultipartUploadResult>"
    assert answers.parse_created({"x-amz-server-side-encryption": "aws:kms"}, body) == ("u+/=", "aws:kms")
    with pytest.raises(BadAnswer):
        answers.parse_created({}, b"<InitiateMultipartUploadResult></InitiateMultipartUploadResult>")


def test_the_list_of_parts_that_complete_takes() -> None:
    body = answers.complete_body([Part(1, 5, "abc"), Part(2, 5, 'd"<', {"CRC32": "x="})])
    root = xmltree.parse(body)
    assert [item.findtext("ETag") for item in root.iter("Part")] == ['"abc"', '"d"<"']
    assert root.findtext("Part/ChecksumCRC32") == "x="


PART = b"<Part><PartNumber>%d</PartNumber><ETag>&quot;e&quot;</ETag><Size>5</Size></Part>"


def test_parts() -> None:
    last = b"<ListPartsResult><IsTruncated>false</IsTruncated>" + PART % 1 + PART % 10_000 + b"</ListPartsResult>"
    assert answers.parse_parts(last) == ([Part(1, 5, "e"), Part(10_000, 5, "e")], 0)
    more = last.replace(b"false", b"true").replace(
        b"<Part>", b"<NextPartNumberMarker>10000</NextPartNumberMarker><Part>", 1
    )
    assert answers.parse_parts(more)[1] == 10_000
    for bad in (
        last.replace(b"false", b"true"),
        more.replace(b">10000</Next", b">1</Next"),
        more.replace(b"<Size>5", b"<Size>x"),
    ):
        with pytest.raises(BadAnswer):
            answers.parse_parts(bad)


def test_uploads() -> None:
    upload = b"<Upload><Key>a+b%2F</Key><UploadId>u</UploadId><Initiated>1970-01-01T00:01:00Z</Initiated></Upload>"
    body = b"<ListMultipartUploadsResult><EncodingType>url</EncodingType>" + upload + b"</ListMultipartUploadsResult>"
    assert answers.parse_uploads(body) == ([Upload("a b/", "u", 60)], "", "")
    assert answers.parse_uploads(body.replace(b"url", b""))[0][0].key == "a+b%2F"
    more = body.replace(b"<Upload>", b"<IsTruncated>true</IsTruncated><Upload>")
    with pytest.raises(BadAnswer):
        answers.parse_uploads(more)
    more = more.replace(
        b"<Upload>", b"<NextKeyMarker>x%20y</NextKeyMarker><NextUploadIdMarker>v</NextUploadIdMarker><Upload>"
    )
    assert answers.parse_uploads(more)[1:] == ("x y", "v")


@pytest.mark.parametrize(
    "root", [b"GetObjectAttributesResponse", b"GetObjectAttributesOutput", b"getObjectAttributesResponse"]
)
def test_attributes(root: bytes) -> None:
    def body(parts: bytes) -> bytes:
        return b"<" + root + b">" + parts + b"</" + root + b">"

    assert answers.parse_attributes(body(b"<ETag>e</ETag>")) == ([], 0)
    holder = b"<ObjectParts><IsTruncated>false</IsTruncated>" + PART % 3 + b"</ObjectParts>"
    assert answers.parse_attributes(body(holder)) == ([Part(3, 5, "e")], 0)
    with pytest.raises(BadAnswer):
        answers.parse_attributes(body(holder.replace(b"false", b"true")))


def test_tags_and_acl() -> None:
    tags = (
        b"<Tagging><TagSet><Tag><Key>a</Key><Value></Value></Tag>"
        b"<Tag><Key>b c</Key><Value>&amp;</Value></Tag></TagSet></Tagging>"
    )
    assert answers.parse_tags(tags) == {"a": "", "b c": "&"}
    acl = (
        b"<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList>"
        b'<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">'
        b"<ID>you</ID></Grantee>"
        b"<Permission>READ</Permission></Grant>"
        b"<Grant><Grantee><URI>http://all</URI></Grantee><Permission>WRITE_ACP</Permission></Grant>"
        b"<Grant><Grantee><EmailAddress>a@b</EmailAddress></Grantee><Permission>READ</Permission></Grant>"
        b"<Grant><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"
    )
    assert answers.parse_acl(acl) == Acl(
        "me",
        (Grant("READ", "id", "you"), Grant("WRITE_ACP", "uri", "http://all"), Grant("READ", "emailAddress", "a@b")),
    )


def head(part: bool = False, **headers: str) -> answers.Head:
    given = {"ETag": '"abc"', "Content-Length": "9"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return answers.parse_head(206 if part else 200, CIMultiDict(given), part)


def test_head() -> None:
    found = head(
        Content_Type="a/b",
        Expires="whenever",
        x_amz_meta_Name="=?UTF-8?B?w6k=?= x",
        x_amz_meta_b="\u00e9",
        x_amz_tagging_count="2",
        x_amz_missing_meta="1",
        x_amz_storage_class="GLACIER",
        x_amz_checksum_crc64nvme="x=",
        x_amz_checksum_type="FULL_OBJECT",
        x_amz_server_side_encryption="aws:kms",
        x_amz_restore='ongoing-request="false", expiry-date="Fri, 21 Dec 2032 00:00:00 GMT"',
        Last_Modified="Thu, 01 Jan 1970 00:01:00 GMT",
        Date="Thu, 01 Jan 1970 00:02:00 GMT",
    )
    assert (found.size, found.etag, found.modified, found.date) == (9, "abc", 60, 120)
    assert found.headers == {"Content-Type": "a/b", "Expires": "whenever"}
    assert found.metadata == {"name": "\u00e9 x", "b": "\u00e9"}
    assert (found.tag_count, found.missing_meta, found.encryption) == (2, 1, "aws:kms")
    assert (found.checksums, found.checksum_type) == ({"CRC64NVME": "x="}, "FULL_OBJECT")
    assert (found.archived, found.restored, found.part_size, found.parts_count) == (True, True, None, None)


@pytest.mark.parametrize(
    ("headers", "archived", "restored"),
    [
        ({}, False, False),
        ({"x_amz_storage_class": "DEEP_ARCHIVE"}, True, False),
        ({"x_amz_storage_class": "INTELLIGENT_TIERING", "x_amz_archive_status": "ARCHIVE_ACCESS"}, True, False),
        ({"x_amz_storage_class": "GLACIER", "x_amz_restore": 'ongoing-request="true"'}, True, False),
        ({"x_amz_storage_class": "GLACIER_IR"}, False, False),
    ],
)
def test_archives(headers: dict[str, str], archived: bool, restored: bool) -> None:
    assert (head(**headers).archived, head(**headers).restored) == (archived, restored)


def test_metadata_that_is_latin_1() -> None:
    assert head(x_amz_meta_a=b"caf\xe9".decode("utf-8", "surrogateescape")).metadata == {"a": "caf\u00e9"}
    assert head(x_amz_meta_a="=?nonsense?B?w6k=?=").metadata == {"a": "=?nonsense?B?w6k=?="}


def test_heads_of_parts() -> None:
    found = head(True, Content_Range="bytes 0-8/30", x_amz_mp_parts_count="4")
    assert (found.size, found.part_size, found.parts_count) == (30, 9, 4)
    single = head(True, Content_Range="bytes 0-8/9")
    assert (single.size, single.part_size, single.parts_count) == (9, 9, None)
    unheeded = head(True)
    assert (unheeded.size, unheeded.part_size, unheeded.parts_count) == (9, None, None)
    assert head(True, x_amz_mp_parts_count="4").size == -1


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": ""},
        {"Content_Length": ""},
        {"Content_Length": "-3"},
        {"Content_Range": "bytes 0-8/*"},
        {"x_amz_mp_parts_count": "many"},
    ],
)
def test_what_is_no_head(headers: dict[str, str]) -> None:
    with pytest.raises(BadAnswer):
        head(True, **headers)


@pytest.mark.parametrize(
    ("status", "body", "operation", "code", "kind"),
    [
        (404, b"", "HeadObject", "NoSuchKey", Kind.FINAL),
        (404, b"", "CopyObject", "NotFound", Kind.FINAL),
        (403, b"", "HeadObject", "AccessDenied", Kind.FINAL),
        (412, b"", "HeadObject", "PreconditionFailed", Kind.FINAL),
        (404, b"<html></html>", "ListObjectsV2", "BadAnswer", Kind.TRANSIENT),
        (403, b"blocked by policy", "ListObjectsV2", "BadAnswer", Kind.TRANSIENT),
        (503, b"<html></html>", "CopyObject", "ServiceUnavailable", Kind.THROTTLE),
        (500, b"oops", "CopyObject", "InternalError", Kind.TRANSIENT),
        (599, b"", "CopyObject", "Status599", Kind.TRANSIENT),
        (418, b"", "CopyObject", "Status418", Kind.FINAL),
        (400, b"<Error><Code>RequestTimeout</Code></Error>", "UploadPart", "RequestTimeout", Kind.TRANSIENT),
        (501, b"<Error><Code>NotImplemented</Code></Error>", "GetObjectAttributes", "NotImplemented", Kind.LACKING),
        (403, b"<Error><Code>RequestTimeTooSkewed</Code></Error>", "CopyObject", "RequestTimeTooSkewed", Kind.CLOCK),
        (400, b"<Error><Code>ExpiredToken</Code></Error>", "CopyObject", "ExpiredToken", Kind.CREDENTIALS),
        (301, b"<Error><Code>PermanentRedirect</Code></Error>", "CopyObject", "PermanentRedirect", Kind.FINAL),
        (
            400,
            b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>r</Region></Error>",
            "CopyObject",
            "AuthorizationHeaderMalformed",
            Kind.REDIRECT,
        ),
    ],
)
def test_what_failures_are(status: int, body: bytes, operation: str, code: str, kind: Kind) -> None:
    error = error_of(status, CIMultiDict({"x-amz-request-id": "R"}), body, operation)
    assert (error.code, error.status, error.operation, error.request_id) == (code, status, operation, "R")
    assert kind_of(error) is kind


def test_a_stores_words_stay_on_one_line() -> None:
    error = S3Error("Code\r\nfailed", "line\nline\u2028\x1b[31m" + "x" * 1000, 400, "Op", "id\n")
    assert "\n" not in str(error)
    assert "\x1b" not in str(error)
    assert len(str(error)) < 500
    assert str(S3Error("TimeoutError")) == "TimeoutError"


def test_answers_without_content() -> None:
    answers.parse_nothing(204, b"")
    with pytest.raises(BadAnswer):
        answers.parse_nothing(200, b"<html></html>")
    with pytest.raises(S3Error, match="InternalError"):
        answers.parse_nothing(200, b"<Error><Code>InternalError</Code></Error>")
    assert answers.parse_uploaded(CIMultiDict({"etag": '"e"', "x-amz-checksum-CRC32": "c"}), b"") == (
        "e",
        {"CRC32": "c"},
        0,
    )
    with pytest.raises(BadAnswer):
        answers.parse_uploaded(CIMultiDict(), b"")
