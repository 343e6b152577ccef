"""Runs the checks and says in one line how it went. Started by run.py, which brings the packages."""

import io
import sys
import unittest
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

# Beside the other tests on real parts.
AT_ONCE = 2


def run(name: str) -> tuple:
    """What unittest says of a module or of a test: (text, run, failed, [(skipped, reason)])."""
    said = io.StringIO()
    result = unittest.TextTestRunner(verbosity=1, stream=said).run(unittest.defaultTestLoader.loadTestsFromName(name))
    # A check fails once, however many of its cases do.
    failed = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    return f"{name}\n{said.getvalue()}", result.testsRun, len(failed), [(test.id(), reason) for test, reason in result.skipped]


def main() -> int:
    names = sys.argv[1:] or sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
    # The steps of README.md take longest.
    names.sort(key=lambda name: not name.startswith("test_steps"))
    checks = failed = 0
    skipped = []
    with ProcessPoolExecutor(AT_ONCE) as pool:
        for text, *counted in pool.map(run, names):
            print(text, file=sys.stderr, flush=True)
            checks, failed, skipped = checks + counted[0], failed + counted[1], skipped + counted[2]
    for test, reason in skipped:
        print(f"infra: skipped {test}: {reason}")
    passed = checks - failed - len(skipped)
    word = "FAILED" if failed or passed == 0 else "ok"
    print(f"infra: {word}. {passed} checks passed, {failed} failed, {len(skipped)} skipped")
    return 0 if word == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
