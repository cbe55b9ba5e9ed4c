#!/usr/bin/env python3
"""Builds the Flex Template of s3copy_beam, and starts copies from it on Dataflow.

    launch.py build --project P --image REGION-docker.pkg.dev/P/REPO/s3copy:0.1.0 --template gs://BUCKET/s3copy.json
    launch.py run --project P --region R --template gs://BUCKET/s3copy.json source=s3://a/path destination=s3://b ...

What stands after the options are parameters of the template (metadata.json: the settings of `s3copy --help`, with _ for
-). `--dry-run` says the commands and runs none. They are those of docker and gcloud, which must be on this machine.
"""

from __future__ import annotations

import argparse
import difflib
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SEPARATORS = ("~", "|", ";", "~~~~", "\x1f")


class Wrong(Exception):
    """One line for people."""


def build_commands(args: argparse.Namespace) -> list[list[str]]:
    """Builds and pushes the image, and writes the template."""
    if not args.image:
        raise Wrong("--image is missing: where the image goes, REGION-docker.pkg.dev/PROJECT/REPOSITORY/s3copy:TAG")
    role = [f"--build-arg=AWS_ROLE_ARN={args.aws_role_arn}"] if args.aws_role_arn else []
    return [
        ["docker", "build", "-f", str(HERE / "Dockerfile"), *role, "-t", args.image, str(ROOT)],
        ["docker", "push", args.image],
        ["gcloud", "dataflow", "flex-template", "build", args.template, f"--project={args.project}",
         f"--image={args.image}", "--sdk-language=PYTHON", f"--metadata-file={HERE / 'metadata.json'}"],
    ]


def run_command(args: argparse.Namespace) -> list[str]:
    """Starts a job from the template."""
    if not args.region:
        raise Wrong("--region is missing: where the workers run")
    parameters = dict(parameters_of(args.parameters))
    if args.image:
        parameters["sdk_container_image"] = args.image  # workers are of the launcher's image
    # values may have commas: another separator is named (gcloud topic escaping)
    between = next(text for text in SEPARATORS if not any(text in value for value in parameters.values()))
    words = [
        "gcloud", "dataflow", "flex-template", "run", args.name, f"--project={args.project}",
        f"--region={args.region}", f"--template-file-gcs-location={args.template}",
        f"--max-workers={args.max_workers}", f"--worker-machine-type={args.machine}",
        f"--parameters=^{between}^{between.join(f'{name}={value}' for name, value in parameters.items())}",
    ]
    for flag, value in (("--subnetwork", args.subnetwork), ("--service-account-email", args.service_account)):
        if value:
            words.append(f"{flag}={value}")
    if args.private:
        words.append("--disable-public-ips")
    return words


def parameters_of(words: Sequence[str]) -> Mapping[str, str]:
    """Parameters, held against the template's.

    Raises:
        Wrong: one is not known, has no value, or is missing.
    """
    metadata = json.loads((HERE / "metadata.json").read_text("utf-8"))["parameters"]
    known = {parameter["name"]: parameter for parameter in metadata}
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise Wrong(f"{name}: no such parameter" + (f"; the nearest is {near[0]}" if near else ""))
        if not equals or not value:
            raise Wrong(f"{name}: its value is missing: {name}=VALUE")
        given[name] = value
    for name, parameter in known.items():
        if not parameter.get("isOptional") and name not in given:
            raise Wrong(f"{name} is missing: {parameter['helpText']}")
    return given


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                   allow_abbrev=False)
    made.add_argument("what", choices=("build", "run"))
    made.add_argument("parameters", nargs="*", metavar="NAME=VALUE")
    made.add_argument("--project", required=True)
    made.add_argument("--template", required=True, metavar="gs://BUCKET/s3copy.json")
    made.add_argument("--image", help="of launcher and workers")
    made.add_argument("--aws-role-arn", help="role of AWS that workers take on (docs/dataflow.md)")
    made.add_argument("--region")
    made.add_argument("--name", default="s3copy")
    made.add_argument("--max-workers", type=int, default=4)
    made.add_argument("--machine", default="n2-standard-2")
    made.add_argument("--subnetwork", help="https://www.googleapis.com/compute/v1/projects/P/regions/R/subnetworks/S")
    made.add_argument("--private", action="store_true", help="workers have no public addresses: a NAT leads to S3")
    made.add_argument("--service-account", help="of the workers")
    made.add_argument("--dry-run", action="store_true", help="say the commands, run none")
    return made


def main(argv: Sequence[str]) -> int:
    """Runs the command; gives its exit status."""
    args = parser().parse_intermixed_args(argv)
    try:
        if not args.template.startswith("gs://"):
            raise Wrong(f"--template {args.template}: gs://BUCKET/NAME.json")
        for command in build_commands(args) if args.what == "build" else [run_command(args)]:
            print(shlex.join(command), flush=True)
            if not args.dry_run:
                if shutil.which(command[0]) is None:
                    raise Wrong(f"`{command[0]}` is missing on this machine")
                if status := subprocess.run(command, check=False).returncode:
                    return status
        return 0
    except Wrong as error:
        print(f"launch: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
