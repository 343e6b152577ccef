"""Runs the checks and says in one line how it went. Started by run.py, which brings the packages."""

import sys
import unittest
from pathlib import Path


def main() -> int:
    loader = unittest.TestLoader()
    if len(sys.argv) > 1:
        suite = loader.loadTestsFromNames(sys.argv[1:])
    else:
        suite = loader.discover(str(Path(__file__).parent), pattern="test_*.py")
    result = unittest.TextTestRunner(verbosity=1, stream=sys.stderr).run(suite)
    for test, reason in result.skipped:
        print(f"infra: skipped {test.id()}: {reason}")
    # A check fails once, however many of its cases do.
    failed = len({getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors})
    passed = result.testsRun - failed - len(result.skipped)
    word = "FAILED" if failed or passed == 0 else "ok"
    print(f"infra: {word}. {passed} checks passed, {failed} failed, {len(result.skipped)} skipped")
    return 0 if word == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
