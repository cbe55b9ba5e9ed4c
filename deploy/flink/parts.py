"""What a local Flink cluster is made of, fetched once into a cache: Java programs by Maven, Beam's boot program by Go.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FLINK = "1.19.3"
BEAM_RUNNER = "2.62.0"
"""Beam's job server. Released apart from the SDK: this one runs pipelines of SDK 2.77 (docs/cluster.md)."""
SLF4J = "1.7.36"

_CLUSTER = {
    "org.apache.flink:flink-clients": FLINK,
    "org.apache.flink:flink-runtime-web": FLINK,
    "org.apache.flink:flink-statebackend-rocksdb": FLINK,
    "org.slf4j:slf4j-simple": SLF4J,
}
_JOB_SERVER = {
    f"org.apache.beam:beam-runners-flink-{FLINK.rpartition('.')[0]}": BEAM_RUNNER,
    "org.apache.flink:flink-statebackend-rocksdb": FLINK,
    "org.slf4j:slf4j-simple": SLF4J,
}
_DRIVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
_BOOT = "github.com/apache/beam/sdks/v2/python/container"

_OPENED = {
    "java.base": ("java.net", "java.io", "java.lang", "java.lang.invoke", "java.lang.reflect", "java.nio", "java.text",
                  "java.time", "java.util", "java.util.concurrent", "java.util.concurrent.atomic",
                  "java.util.concurrent.locks", "sun.net.util", "sun.nio.ch"),
    "java.management": ("javax.management",),
}
OPENS = tuple(f"{module}/{package}" for module, packages in _OPENED.items() for package in packages)
"""What Flink reaches into from Java 17 on, as its own start scripts have it."""


class MissingTool(Exception):
    """A program that is needed is not on this machine; the message says which, what for, and how to get it."""


@dataclass(frozen=True)
class Parts:
    """Where the parts are.

    Attributes:
        java: the program.
        flink: folder of Flink's jars.
        job_server: a jar that is Beam's job server, good for ``--flink_job_server_jar``, too.
        boot: the program that starts Beam's Python workers.
    """

    java: str
    flink: Path
    job_server: Path
    boot: Path

    @property
    def taskmanager_classes(self) -> str:
        """Class path of TaskManagers: Flink, and Beam without the Flink that its job server is built with.

        Beam's classes come with each job, too. Only where TaskManagers have them before, and prefer them
        (``classloader.resolve-order: parent-first``), does a Python worker live longer than the step that started it
        (``--environment_cache_millis``): Beam's FlinkExecutableStageContextFactory.
        """
        beam = [str(jar) for jar in sorted(self.job_server.parent.glob("*.jar"))
                if not jar.name.startswith("flink-") and jar != self.job_server]
        return os.pathsep.join([f"{self.flink}/*", *beam])


def cache_folder() -> Path:
    """Where parts are kept: S3COPY_FLINK_CACHE, or below the user's cache folder."""
    given = os.environ.get("S3COPY_FLINK_CACHE")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(cache) / "s3copy_beam" / "flink"


def fetch(cache: Path, beam: str) -> Parts:
    """Makes sure that all parts are there; takes some minutes the first time, and needs the network then.

    Args:
        cache: the folder that they are kept in.
        beam: version of the workers' Beam.

    Raises:
        MissingTool: Java, Maven or Go is not on this machine, and is needed.
        RuntimeError: a part could not be had.
    """
    java = need("java", "runs Flink", "Java 17, e.g. apt-get install openjdk-17-jre-headless")
    cache.mkdir(parents=True, exist_ok=True)
    flink = _jars(cache, f"flink-{FLINK}", _CLUSTER)
    beam_jars = _jars(cache, f"beam-job-server-{BEAM_RUNNER}-flink-{FLINK}", _JOB_SERVER)
    return Parts(java, flink, _job_server_jar(beam_jars), _boot(cache, beam))


def need(program: str, what_for: str, advice: str) -> str:
    """The path of a program.

    Raises:
        MissingTool: it is not on the PATH.
    """
    path = shutil.which(program)
    if path is None:
        raise MissingTool(f"`{program}` is missing: it {what_for}. Install {advice}.")
    return path


def _jars(cache: Path, name: str, wanted: Mapping[str, str]) -> Path:
    """A folder with some artifacts of Maven Central and all that they need."""
    folder = cache / name
    if folder.is_dir():
        return folder
    maven = need("mvn", "fetches the parts of Flink and of Beam's job server", "Maven, e.g. apt-get install maven")
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
        "</dependency>" for (group, artifact), version in ((one.split(":"), v) for one, v in wanted.items()))
    with tempfile.TemporaryDirectory(dir=cache) as place:
        pom, jars = Path(place) / "pom.xml", Path(place) / "jars"
        pom.write_text('<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
                       "<groupId>local</groupId><artifactId>parts</artifactId><version>1</version>"
                       f"<dependencies>{dependencies}</dependencies></project>", "utf-8")
        _run([maven, "-B", "-q", "-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime",
              f"-DoutputDirectory={jars}"], f"fetching {name} by Maven")
        _put(jars, folder)
    return folder


def _job_server_jar(jars: Path) -> Path:
    """A jar without classes that names all others of its folder: `java -jar` of it starts the job server."""
    path = jars / "job-server.jar"
    if not path.exists():
        manifest = {
            "Manifest-Version": "1.0", "Main-Class": _DRIVER, "Add-Opens": " ".join(OPENS),
            "Class-Path": " ".join(sorted(jar.name for jar in jars.glob("*.jar"))),
        }
        text = "".join(_folded(f"{name}: {value}") for name, value in manifest.items())
        with tempfile.NamedTemporaryFile(dir=jars, delete=False) as out, zipfile.ZipFile(out, "w") as jar:
            jar.writestr("META-INF/MANIFEST.MF", text)
        os.replace(out.name, path)
    return path


def _folded(line: str) -> str:
    """A line of a manifest: at most 72 bytes, continued behind a space (JAR file specification)."""
    rest = [line[i:i + 71] for i in range(71, len(line), 71)]
    return "\r\n ".join([line[:71], *rest]) + "\r\n"


def _boot(cache: Path, beam: str) -> Path:
    path = cache / "bin" / f"boot-{beam}"
    if not path.exists():
        go = need("go", "builds Beam's program that starts workers", "Go, see https://go.dev/doc/install")
        with tempfile.TemporaryDirectory(dir=cache) as place:
            _run([go, "install", f"{_BOOT}@v{beam}"], "building Beam's boot program", {"GOBIN": place})
            path.parent.mkdir(exist_ok=True)
            _put(Path(place) / "container", path)
    return path


def _run(args: list[str], what: str, env: Mapping[str, str] | None = None) -> None:
    print(f"{what}; this is done once", flush=True)
    ran = subprocess.run(args, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{what} failed:\n{(ran.stdout + ran.stderr)[-2000:]}")


def _put(made: Path, place: Path) -> None:
    """Moves what was made to its place in one step; somebody else may have been faster."""
    try:
        os.rename(made, place)
    except OSError:
        if not place.exists():
            raise
