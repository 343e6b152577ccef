#!/usr/bin/env python3
"""Checks everything under infra/: python3 infra/tests/run.py [--scan] [TEST ...]

Makes a virtual environment under target/infra/, runs the checks in it and ends with one plain line. --scan adds the
policy scanner, which is large. Names of tests are those of unittest: test_cost, test_iam.Permissions, ...
Exit codes: 0 all passed, 1 a check failed, 2 the checks cannot run here.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "infra"


def environment(name: str, requirements: Path) -> Path:
    """The Python of a virtual environment that holds exactly these requirements."""
    home = WORK / name
    python = home / "bin" / "python3"
    stamp = home / "requirements.sha256"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"infra: installing {requirements.name} into {home.relative_to(ROOT)}", file=sys.stderr)
    venv.create(home, with_pip=True, clear=True)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]
    done = subprocess.run(command)
    if done.returncode != 0:
        print(f"infra: {requirements.name} cannot be installed: pip ended with {done.returncode}", file=sys.stderr)
        sys.exit(2)
    stamp.write_text(wanted)
    return python


def main() -> int:
    wanted = [word for word in sys.argv[1:] if word != "--scan"]
    variables = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    python = environment("venv", HERE / "requirements.txt")
    variables["INFRA_USER"] = str(environment("user", HERE / "requirements-user.txt").parent)
    if "--scan" in sys.argv[1:]:
        scanner = environment("scan", HERE / "requirements-scan.txt")
        variables["INFRA_SCANNER"] = str(scanner.parent / "checkov")
    command = [python, HERE / "suite.py", *wanted]
    return subprocess.run(command, cwd=HERE, env=variables).returncode


if __name__ == "__main__":
    sys.exit(main())
