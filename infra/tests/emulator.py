"""An AWS of our own for a test: ministack on a free port, gone when the test is."""

import io
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import boto3

REGION = "eu-central-1"
# What Terraform's AWS provider needs to be told in front of an emulator.
PROVIDER = (
    'provider "aws" {\n  skip_credentials_validation = true\n  skip_metadata_api_check = true\n'
    "  skip_requesting_account_id = true\n  s3_use_path_style = true\n}\n")


class Emulator:
    def __init__(self, concurrency: int = 1000):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.variables = dict(
            os.environ, AWS_ENDPOINT_URL=self.url, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test",
            AWS_DEFAULT_REGION=REGION, AWS_REGION=REGION, BIND_HOST="127.0.0.1", GATEWAY_PORT=str(port),
            LAMBDA_ACCOUNT_CONCURRENCY=str(concurrency),
            # The address that CloudFormation gives a custom resource is one of this AWS.
            MINISTACK_HOST="127.0.0.1",
            # Listeners on fixed ports, which several emulators would quarrel over.
            IOT_MTLS_ENABLED="0", SFTP_ENABLED="0")
        program = Path(sys.executable).parent / "ministack"
        self.process = subprocess.Popen([program], env=self.variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2):
                    return
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the emulator ended with {self.process.returncode}")
                time.sleep(0.1)
        self.stop()
        raise RuntimeError("the emulator did not answer within 30 seconds")

    def client(self, service: str, region: str = REGION):
        return boto3.client(service, endpoint_url=self.url, region_name=region, aws_access_key_id="test", aws_secret_access_key="test")

    def stop(self):
        self.process.terminate()
        self.process.wait()


# A guard that only says yes: what is deployed around it is what is looked at.
BOOTSTRAP = """\
#!/usr/bin/env python3
import json, os, urllib.request as web
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with web.urlopen(f"{api}/next") as asked:
        request, asks = asked.headers["Lambda-Runtime-Aws-Request-Id"], json.load(asked)
    if "ResponseURL" in asks:
        named = {key: asks[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
        said = {"Status": "SUCCESS", "PhysicalResourceId": "dow-guard", **named}
        web.urlopen(web.Request(asks["ResponseURL"], json.dumps(said).encode(), {}, method="PUT"))
    web.urlopen(web.Request(f"{api}/{request}/response", b"{}"))
"""


def package() -> bytes:
    """A zip with that bootstrap."""
    kept = io.BytesIO()
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr(entry, BOOTSTRAP)
    return kept.getvalue()
