"""Second users: where a server has policies (MinIO), keys that may do what a policy says and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3

from tests.support.servers import ACCESS_KEY, REGION, SECRET_KEY, Server


@dataclass(frozen=True)
class User:
    """Keys of somebody."""

    access_key: str
    secret_key: str
    token: str = ""

    @property
    def env(self) -> Mapping[str, str]:
        """The environment that makes a tool use them."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key,
                "AWS_SESSION_TOKEN": self.token}

    def s3cfg(self, path: Path, server_url: str) -> Path:
        """Writes an s3cmd file with them."""
        host = server_url.removeprefix("http://")
        path.write_text(f"[default]\naccess_key = {self.access_key}\nsecret_key = {self.secret_key}\n"
                        f"access_token = {self.token}\nhost_base = {host}\nhost_bucket = {host}\nuse_https = False\n"
                        f"bucket_location = {REGION}\n")
        return path


ADMIN = User(ACCESS_KEY, SECRET_KEY)


def may(server: Server, *statements: tuple[Sequence[str], Sequence[str]]) -> User:
    """A user who may do these things: pairs of actions (`GetObject`) and resources (`bucket`, `bucket/*`).

    Temporary credentials with a session policy (AssumeRole of the Security Token Service).
    """
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": [f"s3:{action}" for action in actions],
         "Resource": [f"arn:aws:s3:::{resource}" for resource in resources]} for actions, resources in statements]}
    sts = boto3.session.Session(ACCESS_KEY, SECRET_KEY, region_name=REGION).client("sts", endpoint_url=server.url)
    answer = sts.assume_role(RoleArn="arn:minio:iam:::role/tests", RoleSessionName="tests", Policy=json.dumps(policy))
    keys = answer["Credentials"]
    return User(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
