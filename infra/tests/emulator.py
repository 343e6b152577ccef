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

    def client(self, service: str):
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def package() -> bytes:
    """A zip with a bootstrap that does nothing: what is deployed around it is what is looked at."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    return kept.getvalue()
