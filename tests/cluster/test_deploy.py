"""What stands in deploy/: parameters of the template are the pipeline's options, manifests are well-formed."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from s3copy_beam.command.beam_flags import beam_options
from s3copy_beam.command.beam_options import SETTINGS
from s3copy_beam.command.table import Takes
from tests.support.servers import Servers

DEPLOY = Path(__file__).parents[2] / "deploy"
LAUNCH = DEPLOY / "dataflow" / "launch.py"
METADATA = json.loads((DEPLOY / "dataflow" / "metadata.json").read_text("utf-8"))
NO_PARAMETERS = {  # they have no place in a template: lists as words, files of one's own machine, what a terminal shows
    "file", "prefix", "null", "config_file", "dest_config", "profile", "dest_profile", "dry_run", "detach", "json",
    "verbose", "quiet", "no_progress", "log_file"}
BEAMS = {"sdk_container_image"}


def launch(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, LAUNCH, *words], capture_output=True, text=True, check=False)


def test_parameters_of_the_template_are_options() -> None:
    """Each setting is a parameter or named above; what a parameter takes, the parser takes."""
    settings = {option.dest: option for option in SETTINGS}
    parameters = {parameter["name"]: parameter for parameter in METADATA["parameters"]}
    assert parameters.keys() - BEAMS == settings.keys() - NO_PARAMETERS
    assert {f"--{name}" for name in BEAMS} <= beam_options().keys()
    for name, parameter in parameters.items():
        assert set(parameter) <= {"name", "label", "helpText", "isOptional", "regexes"}
        assert re.fullmatch("[a-zA-Z][a-zA-Z0-9_]*", name)
        assert bool(parameter.get("isOptional")) == (name not in ("source", "destination"))
        if name in BEAMS:
            continue
        option = settings[name]
        if option.takes is Takes.NOTHING:
            assert parameter["regexes"] == ["^(true|false)$"]
        for choice in option.choices:
            assert re.search(parameter["regexes"][0], choice), (name, choice)


def test_a_launch_can_be_looked_at() -> None:
    ran = launch("run", "--dry-run", "--project=p", "--region=r", "--template=gs://b/t.json", "--private",
                 "--image=r-docker.pkg.dev/p/q/s3copy:1", "source=s3://a/x", "destination=s3://b",
                 "acl_grant=READ:id=1,2", "staged=true")
    assert ran.returncode == 0, ran.stderr
    assert "flex-template run s3copy" in ran.stdout
    assert "^~^source=s3://a/x~destination=s3://b~acl_grant=READ:id=1,2~staged=true~sdk_container_image=" in ran.stdout
    assert "--disable-public-ips" in ran.stdout
    ran = launch("build", "--dry-run", "--project=p", "--template=gs://b/t.json", "--image=r/s3copy:1")
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["docker", "docker", "gcloud"], ran.stderr


@pytest.mark.parametrize(("words", "said"), [
    (["source=s3://a", "destination=s3://b", "storage-class=X"], "the nearest is storage_class"),
    (["source=s3://a"], "destination is missing"),
    (["source=s3://a", "destination"], "its value is missing"),
])
def test_a_wrong_launch(words: list[str], said: str) -> None:
    ran = launch("run", "--dry-run", "--project=p", "--region=r", "--template=gs://b/t.json", *words)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.fixture
def metadata_server() -> Iterator[str]:
    """Google's metadata server, as far as it gives identity tokens."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = self.headers["Metadata-Flavor"] == "Google" and "/identity?audience=s3copy" in self.path
            self.send_response(200 if good else 403)
            self.end_headers()
            self.wfile.write(b"an.identity.token" if good else b"")

        def log_message(self, *args: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_credentials_for_aws_on_google(metadata_server: str, servers: Servers) -> None:
    script = DEPLOY / "dataflow" / "aws_from_gcp.py"
    env = {"PATH": "/usr/bin:/bin", "GCE_METADATA_HOST": metadata_server, "AWS_ENDPOINT_URL": servers.get("moto").url}
    ran = subprocess.run([sys.executable, script, "arn:aws:iam::123456789012:role/s3copy"], env=env,
                         capture_output=True, text=True, check=False)
    if "Unable to locate" in ran.stderr or "404" in ran.stderr:
        pytest.skip("this moto has no STS")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["Version"] == 1
    assert found["AccessKeyId"]
    assert found["SecretAccessKey"]
    assert found["SessionToken"]
    assert "T" in found["Expiration"]


def test_without_a_token_one_line_is_said() -> None:
    script = DEPLOY / "dataflow" / "aws_from_gcp.py"
    ran = subprocess.run([sys.executable, script, "arn:aws:iam::123456789012:role/s3copy"], capture_output=True,
                         text=True, check=False, env={"PATH": "/usr/bin:/bin", "GCE_METADATA_HOST": "127.0.0.1:9"})
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1, ran.stderr


def documents(name: str) -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all((DEPLOY / "flink" / name).read_text("utf-8")) if found]


@pytest.mark.parametrize("name", sorted(path.name for path in (DEPLOY / "flink").glob("*.yaml")))
def test_manifests_are_well_formed(name: str) -> None:
    found = documents(name)
    assert found
    for document in found:
        assert document["apiVersion"]
        assert document["kind"]
        assert re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", document["metadata"]["name"])


def test_what_the_manifests_say_of_each_other() -> None:
    """Ports, volumes and versions."""
    cluster, claim = documents("cluster.yaml")
    deployment, service = documents("job-server.yaml")
    containers = {one["name"]: one for one in cluster["spec"]["taskManager"]["podTemplate"]["spec"]["containers"]}
    assert containers.keys() == {"flink-main-container", "worker"}
    assert containers["worker"]["args"] == ["--worker_pool"]
    assert containers["worker"]["ports"] == [{"containerPort": 50000}]  # Beam's boot program listens there
    job_server = deployment["spec"]["template"]["spec"]["containers"][0]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    assert {port["port"] for port in service["spec"]["ports"]} == {
        port["containerPort"] for port in job_server["ports"]}
    # artifacts: one folder for both
    assert job_server["volumeMounts"] == containers["flink-main-container"]["volumeMounts"]
    volumes = (cluster["spec"]["taskManager"]["podTemplate"]["spec"]["volumes"],
               deployment["spec"]["template"]["spec"]["volumes"])
    for (volume,) in volumes:
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    # versions: Flink of cluster and job server, Beam of image and tests
    flink = cluster["spec"]["flinkVersion"].removeprefix("v").replace("_", ".")
    assert f"flink{flink}_job_server" in job_server["image"]
    assert cluster["spec"]["image"].startswith(f"flink:{flink}-")
    parts = (DEPLOY / "flink" / "parts.py").read_text("utf-8")
    assert f'FLINK = "{flink}.' in parts
    assert f'BEAM_RUNNER = "{job_server["image"].rpartition(":")[2]}"' in parts


def test_tools_that_are_missing_are_named(tmp_path: Path) -> None:
    """The local cluster on a machine without Java, Maven or Go: one line that says what to install."""
    script = DEPLOY / "flink" / "local_cluster.py"
    (tmp_path / "bin").mkdir()
    for tools, missing in (((), "java"), (("java",), "mvn")):
        for tool in tools:
            program = tmp_path / "bin" / tool
            program.write_text("#!/bin/sh\n", "utf-8")
            program.chmod(0o755)
        env = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "S3COPY_FLINK_CACHE": str(tmp_path / "cache")}
        ran = subprocess.run([sys.executable, script, "start"], env=env, capture_output=True, text=True, check=False)
        assert ran.returncode == 1
        assert f"`{missing}` is missing" in ran.stderr
        assert len(ran.stderr.splitlines()) == 1, ran.stderr
