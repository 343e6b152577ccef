"""An AWS client for the stories: one JSON call a line in, one JSON answer a line out. It knows nothing of the guard."""

import base64
import io
import json
import os
import sys
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# Seconds. While a request is being sent, botocore waits no longer than `connect_timeout`; a package of megabytes on a
# busy machine takes more than a connection. What takes longer than this is reported by botocore as a closed connection.
TIMEOUT_S = 120

clients = {}


def client(service):
    if service not in clients:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S)
        clients[service] = boto3.client(service, endpoint_url=os.environ["E2E_ENDPOINT"], config=config)
    return clients[service]


def bundle(path):
    """A deployment package with the executable at a path as its `bootstrap`."""
    packed = io.BytesIO()
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    with open(path, "rb") as executable, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, executable.read(), compresslevel=1)
    return packed.getvalue()


def decoded(value):
    """Bytes come as {"base64": TEXT}, deployment packages as {"bootstrap": PATH}."""
    if isinstance(value, dict):
        if list(value) == ["base64"]:
            return base64.b64decode(value["base64"])
        if list(value) == ["bootstrap"]:
            return bundle(value["bootstrap"])
        return {key: decoded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [decoded(inner) for inner in value]
    return value


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return {"base64": base64.b64encode(value).decode()}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "read"):
        return value.read().decode()
    return str(value)


for line in sys.stdin:
    call = json.loads(line)
    try:
        arguments = decoded(call["arguments"])
        answer = getattr(client(call["service"]), call["operation"])(**arguments)
        answer.pop("ResponseMetadata", None)
        reply = {"ok": answer}
    except ClientError as error:
        reply = {"error": error.response["Error"]["Code"], "message": str(error)}
    except Exception as error:
        reply = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(reply, default=plain), flush=True)
