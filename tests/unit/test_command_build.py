"""From words to settings: what goes together, what does not, and where each side is found."""

from __future__ import annotations

import pytest

from s3copy_beam.command.build import Call, build
from s3copy_beam.command.parser import UsageError, parse
from s3copy_beam.moving.unfinished import below_destination
from s3copy_beam.options import Access, Identity, Names
from s3copy_beam.paths import PathError
from s3copy_beam.transforms.listing import one_path

S, D = "s3://source", "s3://dest"


def call(*words: str) -> Call:
    return build(parse(words, dict), "run-1")


def test_defaults():
    options = call(S, D).options
    assert options.source == Access("source")
    assert options.destination == options.lister == Access("dest")
    assert (options.storage_class, options.retries, options.concurrency) == ("STANDARD", 10, 0)
    assert len(options.areas) == 1
    assert options.names == ()


WRONG = {
    (): "SOURCE is missing",
    ("",): "SOURCE is empty",
    (S, ""): "DESTINATION is empty",
    ("/tmp/x", D): "SOURCE '/tmp/x'",
    (S, "s3:///x"): "DESTINATION 's3:///x'",
    ("s3://name--use1-az4--x-s3", D): "not supported yet",
    ("s3://arn:aws:s3:us-east-1:123456789012:accesspoint/name", D): "not supported yet",
    ("s3://source/a*", D, "-f", "b"): "ends in *",
    (S, D, "-p", "2024/01", "2025/01"): "-p: ",
    (S, D, "-a", "AK"): "-a needs -k",
    (S, D, "-k", "hunter2"): "-k needs -a",
    (S, D, "-a", "AK", "-k", "hunter2", "--no-sign-request"): "--no-sign-request and -a exclude each other",
    (S, D, "--acl", "private", "--acl-grant", "READ:id=a"): "--acl-grant and --acl exclude each other",
    (S, D, "-d", "x", "--dest-profile", "y"): "-d and --dest-profile exclude each other",
    (S, D, "--sse-kms-key-id", "x"): "--sse-kms-key-id needs --sse aws:kms",
    (S, D, "--sse", "AES256", "--sse-bucket-key"): "--sse-bucket-key needs --sse aws:kms",
    (S, D, "-F", "-", "-P", "-"): "standard input can be read once",
    (S, D, "-n", "--abort-uploads"): "-n and --abort-uploads exclude each other",
    (S, D, "-f", "x", "--abort-uploads"): "-f and --abort-uploads exclude each other",
    (S, S): "SOURCE and DESTINATION are the same",
    ("s3://source/a", S): "SOURCE and DESTINATION are the same",
    (S, D, "--staged", "-w", "s3://work/x"): "-w 's3://work/x'",
    (S, D, "--staged", "-w", "s3://"): "-w 's3://'",
    (S, D, "-w", "work/x"): "-w 'work/x'",
    (S, D, "--staged", "-w", "source", "--work-prefix", ""): "the whole source bucket",
}


@pytest.mark.parametrize("words", WRONG, ids=lambda words: " ".join(words) or "nothing")
def test_what_cannot_be(words):
    with pytest.raises((UsageError, PathError)) as caught:
        call(*words)
    assert WRONG[words] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_keys_go_to_the_vault_only():
    options = call(S, D, "-a", "AKID", "-k", "hunter2", "-c", "file").options
    assert options.source.identity == Identity(vault="run-1", s3cfg="file")
    assert "hunter2" not in repr(options)
    assert "AKID" not in repr(options)


def test_identities_and_endpoints():
    options = call(S, D, "--endpoint-url", "http://one", "--source-region", "a", "--dest-region", "b",
                   "--profile", "p", "-d", "cfg", "--request-payer").options
    first = Identity(profile="p")
    assert options.source == Access("source", "http://one", "a", first, True)
    assert options.destination == Access("dest", "http://one", "b", first, True)
    assert options.lister == Access("dest", "http://one", "b", Identity(s3cfg="cfg"), True)
    options = call(S, D, "--endpoint-url", "http://one", "--dest-endpoint-url", "http://two").options
    assert (options.source.endpoint_url, options.destination.endpoint_url, options.lister.endpoint_url) == (
        "http://one", "http://two", "http://two")


def test_lists():
    options = call("s3://source/a", D, "-f", "x", "y", "-F", "keys", "-F", "old.jsonl.gz", "-P", "-", "--null").options
    assert options.names == (Names(given=("x", "y")), Names(url="keys", null=True),
                             Names(url="old.jsonl.gz", null=True, report=True))
    assert options.prefix_lists == (Names(url="-", null=True),)
    assert options.areas == ()
    assert options.names_area is not None
    assert options.names_area.destination_of("a/x") == "x"


def test_destination_left_out():
    found = call("s3://source/a")
    assert found.first == "no DESTINATION is given: copies go to s3://source/temp/dest/"
    assert found.options.areas[0].destination_of("a/1") == "temp/dest/a/1"
    assert call(S).options.excluded == ("temp/dest/",)


def test_notes_are_escaped():
    found = call("s3://source/a/b\n", "s3://dest/b\n")
    assert len(found.notes) == 1
    assert "\n" not in found.notes[0]


def test_rewriting_in_place_keeps_what_is_not_asked():
    options = call(S, S, "--sse", "AES256").options
    assert options.in_place
    assert (options.storage_class, options.sse) == ("KEEP", "AES256")
    assert call(S, S, "--storage-class", "STANDARD_IA").options.storage_class == "STANDARD_IA"


def test_abort_uploads_of_one_path():
    options = call("--abort-uploads", "s3://source/x").options
    assert (options.destination.bucket, options.destination_path) == ("source", "x")
    assert not options.in_place


@pytest.mark.parametrize(("path", "taken"), [
    ("", ["a", "a/", "a/x", "ab", "b"]), ("/*", ["a", "a/", "a/x", "ab", "b"]), ("/a", ["a", "a/", "a/x"]),
    ("/a/", ["a", "a/", "a/x"]), ("/a/*", ["a/", "a/x"]), ("/a*", ["a", "a/", "a/x", "ab"]),
])
def test_which_uploads_are_below_one_path(path, taken):
    options = call("--abort-uploads", f"s3://source{path}").options
    prefix, takes = below_destination(options)
    assert [key for key in ("a", "a/", "a/x", "ab", "b") if key.startswith(prefix) and takes(key)] == taken
    assert one_path(options)


def test_the_work_area_is_never_a_source():
    assert call(S, D, "--staged").options.excluded == ()
    options = call(S, D, "--staged", "-w", "s3://source", "--clean-parts").options
    assert options.excluded == ("temp/",)
    assert options.work == Access("source")
    assert options.clean_parts
