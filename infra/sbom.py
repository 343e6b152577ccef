#!/usr/bin/env python3
"""What a program is built from, in CycloneDX: python3 infra/sbom.py guard-fn x86_64-unknown-linux-gnu > guard-fn.cdx.json

The crates that `cargo tree` names for that target, without those of builds and tests, with the checksums of Cargo.lock.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def bill(package: str, target: str) -> dict:
    """The bill of materials of a package of the workspace."""
    command = ["cargo", "tree", "--locked", "-p", package, "-e", "normal", "--prefix", "none", "--target", target]
    tree = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    named = set(re.findall(r"(?m)^(\S+) v(\S+)", tree))
    locked = {(each["name"], each["version"]): each for each in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    components = []
    for name, version in sorted(named):
        component = {"type": "library", "name": name, "version": version, "purl": f"pkg:cargo/{name}@{version}"}
        if checksum := locked[name, version].get("checksum"):
            component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if name != package:
            components.append(component)
    version = dict(named)[package]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": package, "version": version}},
        "components": components,
    }


if __name__ == "__main__":
    json.dump(bill(sys.argv[1], sys.argv[2]), sys.stdout, indent=1)
