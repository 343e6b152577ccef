#!/usr/bin/env python3
"""Runs every test and says where the minutes went: python3 tests/minutes.py [ARGUMENT OF CARGO TEST ...]

What cargo prints is passed on as it comes. At the end stand a table in Markdown, of which CONTRIBUTING.md has a copy, and
the plain count of tests. Exit code: that of `cargo test`.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Layers in the order of the table: those of a package, which its library begins, and those of one test binary.
PACKAGES = {
    "guard_core": "decision: unit and property tests",
    "guard_fn": "shell, on ports in memory",
    "simulator": "simulator: model, oracles, readers, command line",
}
BINARIES = {
    "faults": "shell, under ten thousand schedules of faults",
    "suite": "stories and promises on every scenario",
    "e2e": "the guard's binary on real parts, and `infra`",
}

RUNNING = re.compile(r"^\s*(?:Running .*\(.*[/\\](?P<binary>\w+)-[0-9a-f]+\)|Doc-tests (?P<documents>\w+))")
RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")


def main() -> int:
    command = ["cargo", "test", "--workspace", "--locked", *sys.argv[1:]]
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    built, package, current, since = None, None, None, start
    seconds: dict[str, float] = {}
    tests: dict[str, int] = {}
    passed = failed = ignored = 0
    for line in process.stdout:
        print(line, end="", flush=True)
        now = time.monotonic()
        if match := RUNNING.match(line):
            built = built or now - start
            binary = match["binary"] or match["documents"]
            package = PACKAGES.get(binary, package)
            current, since = BINARIES.get(binary, package), now
        elif (match := RESULT.match(line)) and current:
            counted = [int(number) for number in match.groups()]
            passed, failed, ignored = passed + counted[0], failed + counted[1], ignored + counted[2]
            seconds[current] = seconds.get(current, 0) + now - since
            tests[current] = tests.get(current, 0) + counted[0] + counted[1]
    code = process.wait()

    def minutes(amount: float) -> str:
        return f"{int(amount) // 60}:{int(amount) % 60:02}"

    print("\n| layer | tests | min:s |\n|---|--:|--:|")
    print(f"| build | | {minutes(built or time.monotonic() - start)} |")
    for name in [*PACKAGES.values(), *BINARIES.values()]:
        if name in seconds:
            print(f"| {name} | {tests[name]} | {minutes(seconds[name])} |")
    print(f"| all | {passed + failed} | {minutes(time.monotonic() - start)} |")
    print(f"\n{passed} passed, {failed} failed, {ignored} skipped")
    return code


if __name__ == "__main__":
    sys.exit(main())
