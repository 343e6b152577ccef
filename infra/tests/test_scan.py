"""The policy scanner has nothing to say beyond what checkov.yaml answers. Run by `run.py --scan`."""

import os
import subprocess
import unittest
from pathlib import Path

import yaml

import cfn

CONFIG = Path(__file__).parent / "checkov.yaml"


class Scan(unittest.TestCase):
    def test_nothing_is_left_to_say(self):
        scanner = os.environ.get("INFRA_SCANNER")
        if not scanner:
            self.skipTest("the policy scanner is large: run.py --scan")
        done = subprocess.run([scanner, "--config-file", CONFIG, "-d", cfn.INFRA], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])

    def test_every_suppression_has_a_reason(self):
        lines = CONFIG.read_text().splitlines()
        reasons, has_reason = 0, False
        for line in lines:
            if line.startswith("  #"):
                has_reason = True
            elif line.startswith("  - "):
                self.assertTrue(has_reason, line)
                reasons += 1
            else:
                has_reason = False
        self.assertEqual(reasons, len(yaml.safe_load(CONFIG.read_text())["skip-check"]))
