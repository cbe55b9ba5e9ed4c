"""The parser: what is an option, what is the value of one, what is a path; and what a wrong call is told."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from s3copy_beam.command.beam_flags import beam_options, check
from s3copy_beam.command.help import help_text
from s3copy_beam.command.parser import Arguments, UsageError, parse
from s3copy_beam.command.table import OPTIONS, Takes

S, D = "s3://source/a", "s3://dest"


def no_beam() -> dict[str, argparse.Action]:
    raise AssertionError("Beam would be imported")


def ours(*words: str) -> Arguments:
    return parse(words, no_beam)


WITH_VALUE = sorted(name for name, action in beam_options().items() if action.nargs != 0 and name != "--dry_run")


@pytest.mark.parametrize("name", WITH_VALUE)
def test_the_value_of_a_beam_option_is_no_path(name):
    for option in ([name, "s3://value/x"], [f"{name}=s3://value/x"]):
        if len(option) == 2 and beam_options()[name].nargs == "?":
            continue  # may stand alone: a path behind it is a path
        for at in range(3):
            words = [S, D]
            words[at:at] = option
            found = parse(words, beam_options)
            assert found.paths == [S, D]
            assert found.beam == [f"{name}=s3://value/x"]


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.takes is Takes.ONE], ids=lambda o: o.long)
def test_the_value_of_an_option_of_ours_is_no_path(option):
    text = {"--endpoint-url": "http://h", "--dest-endpoint-url": "http://h"}.get(option.long, "s3://value/x")
    for at in range(3):
        words = [S, D]
        words[at:at] = [option.flags[0], text]
        try:
            assert ours(*words).paths == [S, D]
        except UsageError as error:
            assert "third path" not in str(error)
            assert str(error).startswith(option.flags[0])


@pytest.mark.parametrize("words", [
    ["-t", "4"], ["-t4"], ["-t=4"], ["--concurrency", "4"], ["--concurrency=4"], ["-nt4"], ["-nt", "4"],
    ["-t", "9", "-t", "4"],
])
def test_spellings_of_a_value(words):
    assert ours(*words, S, D).get("concurrency") == 4


def test_flags_may_stand_together():
    found = ours("-nvq", S)
    assert found.get("dry_run") and found.get("verbose") and found.get("quiet")


@pytest.mark.parametrize("name", ["--dry_run", "--dry-run", "-n"])
def test_a_beam_option_that_differs_in_underscores_is_ours(name):
    assert ours(S, D, name).get("dry_run") is True


def test_no_option_of_ours_hides_one_of_beam():
    flags = {flag for option in OPTIONS for flag in option.flags}
    theirs = {name for name in beam_options() if name in flags or name.replace("_", "-") in flags}
    assert theirs == {"--dry_run"}


@pytest.mark.parametrize(("words", "values", "left"), [
    (["-f", "a", "b", S, D], ["a", "b"], [S, D]),
    ([S, "-f", "a", "b", D], ["a", "b"], [S, D]),
    ([S, D, "-f", "a", "b"], ["a", "b"], [S, D]),
    ([S, D, "-f", "a", "-n", "-f", "b", "c"], ["a", "b", "c"], [S, D]),
    ([S, "--file=a", D], ["a"], [S, D]),
    (["-fa", "b", S], ["a"], ["b", S]),
    ([S, "-f", "", D], None, None),
    ([S, "-f", D], None, None),
    ([S, "-f", "-n", D], None, None),
])
def test_values_of_a_list_end_at_an_option_or_a_path(words, values, left):
    if values is None:
        with pytest.raises(UsageError, match="^-f: "):
            ours(*words)
        return
    found = ours(*words)
    assert (found.get("file"), found.paths) == (values, left)


def test_request_payer_takes_its_word_or_none():
    assert ours("--request-payer", S, D).paths == [S, D]
    assert ours("--request-payer", "requester", S, D).get("request_payer") == "requester"
    with pytest.raises(UsageError, match="--request-payer: 'me'"):
        ours("--request-payer=me", S, D)


def test_what_only_a_job_server_knows():
    found = ours(S, D, "-n", "--", "--fancy", "s3://x")
    assert (found.server, found.paths) == (["--fancy", "s3://x"], [S, D])


WRONG = {
    ("--dryrun",): "--dryrun: no such option; the nearest is --dry-run",
    ("--no-over",): "the nearest is --no-overwrite",
    ("--storageclass=STANDARD",): "--storageclass: no such option; the nearest is --storage-class",
    ("--job-name", "x"): "--job-name: no such option; the nearest is --job_name",
    ("--temp_loc=x",): "the nearest is --temp_location",
    ("--runer=x",): "--runer: no such option; the nearest is --runner",
    ("--flink-mastr=x",): "the nearest is --flink_master",
    ("--profil_cpu",): "the nearest is --profile_cpu",
    ("--parts-size=5M",): "the nearest is --part-size",
    ("--xyzzy-plugh",): "--xyzzy-plugh: no such option; see --help",
    ("-Z",): "-Z: no such option",
    ("--recursive",): "--recursive: not needed",
    ("--delete",): "--delete: not supported yet",
    ("--exclude", "*"): "--exclude: not supported yet",
    ("--clean-mpcopies",): "--abort-uploads",
    ("--part-size",): "--part-size: its value is missing",
    ("--part-size", "--json"): "--part-size: its value is missing",
    ("--dest-prefix", "-new"): "--dest-prefix=-...",
    ("--json=yes",): "--json takes no value",
    ("--dry_run=False",): "--dry_run takes no value",
    ("-t", "-4"): "-t: '-4'",
    ("-t=-4",): "-t: '-4'",
    ("-t", "0"): "-t: '0'",
    ("-t", "1.5"): "-t: '1.5'",
    ("-t", "٤"): "-t: '٤'",
    ("--retries=-1",): "--retries: '-1'",
    ("-l", "LOUD"): "-l: 'LOUD'",
    ("--part-size", "12Q"): "--part-size: '12Q'",
    ("--part-size", "6GiB"): "outside 5MiB..5GiB",
    ("--part-size", "1K"): "outside 5MiB..5GiB",
    ("--report=",): "--report: the value is empty",
    ("--acl-grant", "OWN:id=abc"): "'OWN:id=abc'",
    ("--acl-grant", "READ"): "--acl-grant: 'READ'",
    ("--acl-grant", "READ:"): "--acl-grant: 'READ:'",
    ("--acl-grant", "READ:id="): "--acl-grant: 'READ:id='",
    ("--acl-grant", "READ:nobody"): "e-mail",
    ("--compare", "guess"): "--compare: 'guess' is none of auto, etag, checksum, size",
    ("--endpoint-url", "not a url"): "--endpoint-url: 'not a url'",
    ("--endpoint-url", "ftp://h"): "--endpoint-url: 'ftp://h'",
    ("--endpoint-url", "http://h:port"): "--endpoint-url: 'http://h:port'",
    ("--source-region", "not a region"): "--source-region: 'not a region'",
    ("--dest-region", "-x"): "--dest-region: its value is missing",
    ("--max-requests-per-second", "nan"): "'nan'",
    ("--source-region", "no region"): "--source-region: 'no region' is no region",
    ("--dest-region=-x",): "--dest-region: '-x' is no region",
    ("s3://third",): "'s3://third' is a third path",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_calls_name_the_flag_and_the_value(words):
    with pytest.raises(UsageError) as caught:
        parse([S, D, *words], beam_options)
    assert WRONG[words] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("words", [
    ["--endpoint-url", "http://me:hunter2@host"], ["--endpoint-url", "ftp://me:hunter2@host"],
    ["-k", "hunter2\udcff"], ["-k="], ["-a"],
])
def test_a_wrong_secret_is_not_shown(words):
    try:
        ours(S, D, *words)
    except UsageError as error:
        assert "hunter2" not in str(error)


def test_keys_may_begin_with_anything():
    found = ours("-a", "-AK", "-k", "--secret", S, D)
    assert (found.get("a"), found.get("k"), found.paths) == ("-AK", "--secret", [S, D])


@pytest.mark.parametrize(("text", "value"), [
    ("READ:me@example.org", ("READ", 'emailAddress="me@example.org"')),
    ("FULL_CONTROL:id=0123abc", ("FULL_CONTROL", 'id="0123abc"')),
    ("READ_ACP:uri=http://acs.amazonaws.com/groups/global/AllUsers",
     ("READ_ACP", 'uri="http://acs.amazonaws.com/groups/global/AllUsers"')),
])
def test_grants(text, value):
    assert ours(S, D, "--acl-grant", text).get("acl_grant") == [value]


@pytest.mark.parametrize("word", ["--direct_num_workers=x", "--flink_version=0.1", "--streaming=1", "--runner=Fast"])
def test_values_of_beam_options_are_checked(word):
    with pytest.raises(UsageError, match=word.partition("=")[0]):
        check([word])


def test_help_documents_each_option_once():
    lines = help_text().splitlines()
    for option in OPTIONS:
        assert sum(f"{line} ".startswith(f"  {', '.join(option.flags)} ") for line in lines) == 1
    assert max(map(len, lines)) <= 120


def test_a_launcher_knows_truth_by_its_name():
    found = parse(["--json=true", "--verify=False"], no_beam, paths=False)
    assert (found.get("json"), found.get("verify")) == (True, False)
    with pytest.raises(UsageError, match="'s3://a' is no option"):
        parse(["s3://a"], no_beam, paths=False)


def test_a_command_line_without_beam_options_does_not_import_beam():
    code = ("import sys; from s3copy_beam.command.beam_flags import beam_options; "
            "from s3copy_beam.command.parser import parse; parse(sys.argv[1:], beam_options); "
            "print('apache_beam' in sys.modules)")
    words = [sys.executable, "-c", code, S, D, "-n", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
