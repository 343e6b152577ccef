#!/usr/bin/env python3
"""Packs what a release holds as a Python wheel, so that `pipx install` gives everything without Rust:

    python3 infra/wheel.py --platform manylinux_2_34_x86_64 --program target/release/guard-fn \\
        --program target/release/dowsim --package bootstrap-arm64.zip --package bootstrap-x86_64.zip --out dist

The programs are on the path afterwards; `dow-guard [FOLDER]` writes the packages, the templates, the Terraform module and
the policies into a folder.
"""

import argparse
import base64
import hashlib
import stat
import tomllib
import zipfile
from pathlib import Path

import stackset

INFRA = Path(__file__).resolve().parent
NAME = "dow_guard"
CODE = '''"""Everything that an account needs to be guarded."""

import shutil
import sys
from pathlib import Path


def main() -> int:
    """Writes the files of the release into a folder, `dow-guard` unless it is named."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "dow-guard")
    if folder.exists():
        print(f"{folder}: exists already; name another folder", file=sys.stderr)
        return 2
    shutil.copytree(Path(__file__).parent / "files", folder)
    print(f"{folder}: template.yaml for SAM, dow-guard.yaml for CloudFormation, terraform, policy, and the packages")
    return 0
'''


def files(packages: list) -> dict:
    """What `dow-guard` writes: path in the folder, and content."""
    found = {path.name: path.read_bytes() for path in packages}
    default = next(iter(found))
    template = stackset.TEMPLATE.read_text().replace(stackset.LOCAL, f"      Code: {default}\n")
    found |= {"template.yaml": template.encode(), "dow-guard.yaml": stackset.written().encode()}
    for folder in ("terraform", "policy"):
        for path in sorted((INFRA / folder).rglob("*")):
            inside = path.relative_to(INFRA)
            is_left = any(part.startswith(".terraform") or ".tfstate" in part for part in inside.parts)
            if path.is_file() and not is_left:
                found[str(inside)] = path.read_bytes()
    return found


def build(platform: str, programs: list, packages: list, out: Path) -> Path:
    """Writes the wheel and returns its path."""
    version = tomllib.loads((INFRA.parent / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    about = f"{NAME}-{version}.dist-info"
    entries = {f"{NAME}/__init__.py": CODE.encode()}
    entries |= {f"{NAME}/files/{name}": content for name, content in files(packages).items()}
    entries |= {f"{NAME}-{version}.data/scripts/{path.name}": path.read_bytes() for path in programs}
    entries[f"{about}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: dow-guard\nVersion: {version}\nLicense: MIT OR Apache-2.0\n"
        "Summary: A cost guard for AWS Lambda: its programs, its packages and what deploys them.\nRequires-Python: >=3.8\n").encode()
    entries[f"{about}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: dow-guard\nRoot-Is-Purelib: false\nTag: py3-none-{platform}\n".encode()
    entries[f"{about}/entry_points.txt"] = f"[console_scripts]\ndow-guard = {NAME}:main\n".encode()
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        entries[f"{about}/{name}"] = (INFRA.parent / name).read_bytes()
    record = ""
    for name, content in entries.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    entries[f"{about}/RECORD"] = (record + f"{about}/RECORD,,\n").encode()
    out.mkdir(parents=True, exist_ok=True)
    wheel = out / f"{NAME}-{version}-py3-none-{platform}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            # The same time in every build: the same files make the same wheel.
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | (0o755 if ".data/scripts/" in name else 0o644)) << 16
            is_packed = name.endswith(".zip")
            archive.writestr(entry, content, zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED, None if is_packed else 6)
    return wheel


def main() -> int:
    words = argparse.ArgumentParser(description="Packs a release as a Python wheel.")
    words.add_argument("--platform", required=True, help="such as manylinux_2_34_x86_64")
    words.add_argument("--program", action="append", type=Path, required=True)
    words.add_argument("--package", action="append", type=Path, required=True, help="the first is the template's")
    words.add_argument("--out", type=Path, required=True)
    given = words.parse_args()
    print(build(given.platform, given.program, given.package, given.out))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
