"""Credentials for AWS on a machine of Google's: its service account's identity token, exchanged at AWS STS.

The `credential_process` of an AWS profile (AWS CLI documentation, "Sourcing credentials with an external process"):

    credential_process = python aws_from_gcp.py arn:aws:iam::123456789012:role/s3copy

The role's trust policy names the identity provider accounts.google.com, the service account's unique id as `aud` or
`sub`, and AUDIENCE as `oaud`. No key is stored anywhere.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request

import botocore.exceptions
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config

AUDIENCE = "s3copy"
METADATA = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
SECONDS = 3600


def identity_token() -> str:
    """The identity token of this machine's service account (Google Cloud documentation, instance identity)."""
    url = f"http://{METADATA}/computeMetadata/v1/instance/service-accounts/default/identity?audience={AUDIENCE}"
    request = urllib.request.Request(url, headers={"Metadata-Flavor": "Google"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())


def credentials(role: str) -> dict[str, object]:
    """What a credential process has to print, for a role.

    Raises:
        OSError: no identity token is to be had here.
        botocore.exceptions.ClientError: the role does not trust it.
    """
    sts = botocore.session.get_session().create_client(
        "sts", region_name=os.environ.get("AWS_REGION", "us-east-1"), config=Config(signature_version=UNSIGNED))
    answer = sts.assume_role_with_web_identity(  # type: ignore[attr-defined]
        RoleArn=role, RoleSessionName="s3copy", WebIdentityToken=identity_token(), DurationSeconds=SECONDS)
    keys = answer["Credentials"]
    return {
        "Version": 1, "AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"],
        "SessionToken": keys["SessionToken"], "Expiration": keys["Expiration"].isoformat(),
    }


if __name__ == "__main__":
    try:
        print(json.dumps(credentials(sys.argv[1])))
    except (OSError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        sys.exit(f"aws_from_gcp: {error}")
