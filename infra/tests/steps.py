"""README.md as a new user reads it: its commands in order, and a shell in which they are run as they stand."""

import os
import re
import subprocess
import tempfile
import zipfile
from pathlib import Path

import cfn

README = cfn.INFRA / "README.md"


def commands(text: str) -> list:
    """The fenced blocks of a shell, without the indentation of the list they are in."""
    found, block, indent = [], None, ""
    for line in text.splitlines():
        if block is None and (opened := re.fullmatch(r"( *)```sh", line)):
            block, indent = [], opened[1]
        elif block is not None and line == f"{indent}```":
            found.append("\n".join(block))
            block = None
        elif block is not None:
            block.append(line.removeprefix(indent))
    return found


class Shell:
    """One terminal, from the first step to the last: what a step defines, the next ones know."""

    def __init__(self, folder: Path, variables: dict):
        self.scratch = tempfile.TemporaryDirectory()
        self.variables = variables
        self.process = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=variables,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def run(self, block: str) -> str:
        """What a block writes to standard output. A line that fails fails the block, which ends the terminal."""
        step = Path(self.scratch.name) / "step"
        step.write_text(block + "\n")
        self.process.stdin.write(
            f"set -euo pipefail; . {step} > {step}.out 2> {step}.err < /dev/null; set +euo pipefail; echo done\n"
        )
        self.process.stdin.flush()
        if self.process.stdout.readline() != "done\n":
            said = [Path(f"{step}.{name}").read_text()[-3000:] for name in ("out", "err")]
            raise AssertionError("\n".join([f"a step of {README.name} fails:", block, *said]))
        return Path(f"{step}.out").read_text()

    def close(self):
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.scratch.cleanup()


def guard() -> Path:
    """The guard as the end-to-end tests built it, or that of E2E_GUARD."""
    built = Path(os.environ.get("CARGO_TARGET_DIR", cfn.INFRA.parent / "target")) / "debug" / "guard-fn"
    return Path(os.environ.get("E2E_GUARD", built))


def package(at: Path, note: str):
    """Writes what `cargo lambda build --output-format zip` writes. Another note makes it another package."""
    at.parent.mkdir(parents=True, exist_ok=True)
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    with zipfile.ZipFile(at, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, guard().read_bytes(), compresslevel=1)
        archive.writestr(zipfile.ZipInfo("note"), note)
