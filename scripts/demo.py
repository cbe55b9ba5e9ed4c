"""Shows s3copy at work with an S3 server of its own (moto, on 127.0.0.1): `./run_local.sh` without arguments.

Fills a bucket, copies it, copies it again (nothing to do), changes two objects, copies again (those two), and compares
every byte. It uses the command as anybody would and knows nothing of its inside.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

SOURCE, DESTINATION = "demo-source", "demo-copy"
MIB = 1 << 20
FILES = 400
ODD_KEYS = ["odd/ with spaces ", "odd/plus+percent%41", "odd/ümläut-漢字-🪣", "odd//two slashes",
            "odd/?query#fragment&x=1", "odd/folder/", "odd/'quotes\"", "odd/" + "long" * 200]
PARTS_MIB = {"large/uniform-5MiB-parts": [5, 5, 5, 2], "large/uniform-8MiB-parts": [8, 8, 1],
             "large/non-uniform-parts": [5, 7, 6, 1]}


def isolate() -> None:
    """Makes this process, and those it starts, use the demonstration's own credentials, and no proxy."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(
        AWS_ACCESS_KEY_ID="demo", AWS_SECRET_ACCESS_KEY="demo-secret", AWS_REGION="us-east-1",
        AWS_DEFAULT_REGION="us-east-1", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        NO_PROXY="127.0.0.1", no_proxy="127.0.0.1",
    )


def say(text: str) -> None:
    """One step of the story."""
    print(f"\n== {text}", flush=True)


@contextlib.contextmanager
def server(log: Path) -> Iterator[str]:
    """The server, moto; gives its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as out:
        child = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                                 stdout=out, stderr=out, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


def wait_for(s3: S3Client, log: Path) -> None:
    """Until the server answers."""
    for _ in range(300):
        try:
            s3.list_buckets()
            return
        except BotoCoreError:
            time.sleep(0.1)
    sys.exit(f"the server did not start:\n{log.read_text(errors='replace')}")


def fill(s3: S3Client) -> None:
    """Real files (Python's own library), odd keys, and objects in parts."""
    for bucket in (SOURCE, DESTINATION):
        s3.create_bucket(Bucket=bucket)
    library = Path(sysconfig.get_paths()["stdlib"])
    found = (path for path in sorted(library.rglob("*.py")) if "site-packages" not in path.parts)
    files = list(itertools.islice(found, FILES))

    def put_file(path: Path) -> None:
        s3.put_object(Bucket=SOURCE, Key=f"library/{path.relative_to(library).as_posix()}", Body=path.read_bytes(),
                      ContentType="text/x-python", Metadata={"origin": "python"})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put_file, files))
    for key in ODD_KEYS:
        s3.put_object(Bucket=SOURCE, Key=key, Body=b"" if key.endswith("/") else key.encode())
    for number, (key, sizes) in enumerate(PARTS_MIB.items()):
        put_parts(s3, key, [random.Random(number).randbytes(size * MIB) for size in sizes])
    print(f"s3://{SOURCE}: {len(files)} files of Python's library, {len(ODD_KEYS)} odd keys, "
          f"{len(PARTS_MIB)} objects in parts", flush=True)


def put_parts(s3: S3Client, key: str, parts: Sequence[bytes]) -> None:
    """Uploads an object in these parts."""
    upload = s3.create_multipart_upload(Bucket=SOURCE, Key=key, ContentType="application/x-demo",
                                        Metadata={"note": "in parts"}, CacheControl="max-age=60")["UploadId"]
    etags = [s3.upload_part(Bucket=SOURCE, Key=key, UploadId=upload, PartNumber=number, Body=part)["ETag"]
             for number, part in enumerate(parts, 1)]
    s3.complete_multipart_upload(
        Bucket=SOURCE, Key=key, UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": n, "ETag": e} for n, e in enumerate(etags, 1)]},
    )


def copy(url: str, expected: int | None = None) -> int:
    """Runs the real command; ends the demonstration if it fails, or copies another number of objects than expected."""
    args = ["s3copy", "--json", f"s3://{SOURCE}", f"s3://{DESTINATION}"]
    print(f"$ {' '.join(args)}", flush=True)
    ran = subprocess.run([str(Path(sys.executable).parent / args[0]), *args[1:]], stdout=subprocess.PIPE, check=False,
                         env={**os.environ, "AWS_ENDPOINT_URL": url}, text=True, encoding="utf-8")
    print(ran.stdout, end="", flush=True)
    if ran.returncode:
        sys.exit(f"s3copy ended with exit status {ran.returncode}")
    copied = int(json.loads(ran.stdout.splitlines()[-1])["copied"])
    if expected is not None and copied != expected:
        sys.exit(f"{copied} objects were copied, {expected} were expected")
    return copied


def state(s3: S3Client, bucket: str) -> dict[str, Any]:
    """Everything of each object that a copy must keep."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [o["Key"] for page in pages for o in page.get("Contents", [])]

    def look(key: str) -> dict[str, Any]:
        got = s3.get_object(Bucket=bucket, Key=key)
        return {"sha256": hashlib.sha256(got["Body"].read()).hexdigest(), "size": got["ContentLength"],
                "etag": got["ETag"], "type": got["ContentType"], "metadata": got["Metadata"]}

    with ThreadPoolExecutor(8) as pool:
        return dict(zip(keys, pool.map(look, keys), strict=True))


def main() -> None:
    """The whole story."""
    began = time.monotonic()
    isolate()
    with tempfile.TemporaryDirectory(prefix="s3copy-demo-") as place:
        log = Path(place) / "server.log"
        say("starting an S3 server on 127.0.0.1 (moto) and filling a bucket")
        with server(log) as url:
            s3 = boto3.client("s3", endpoint_url=url, config=Config(s3={"addressing_style": "path"}))
            wait_for(s3, log)
            fill(s3)
            say("copying it")
            total = copy(url)
            say("again: nothing is to be done")
            copy(url, 0)
            say("one object added, one changed: only these two are copied")
            s3.put_object(Bucket=SOURCE, Key="library/added.py", Body=b"print('new')\n")
            s3.put_object(Bucket=SOURCE, Key=ODD_KEYS[0], Body=b"changed")
            copy(url, 2)
            say("comparing every byte, ETag, type and metadata of both buckets")
            here, there = state(s3, SOURCE), state(s3, DESTINATION)
            different = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
            if different:
                sys.exit(f"{len(different)} objects differ: {different[:5]}")
    size = sum(o["size"] for o in here.values())
    print(f"all {len(here)} objects ({size / MIB:.1f} MiB) are identical\n\n"
          f"Done in {time.monotonic() - began:.0f} s: {total} objects copied, then none, then the 2 that changed; "
          f"{len(PARTS_MIB)} of them in\nparts, with their part boundaries and so their ETags kept. "
          "For buckets of your own:\n\n    ./run_local.sh s3://source-bucket/path s3://destination-bucket/path")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
