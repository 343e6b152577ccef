"""The scripts that run a shard and merge all, with a bucket that is a directory and a dowsim that writes what it was told."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import cfn

AWS = """#!/bin/sh
# aws s3 cp --only-show-errors FROM TO
from=${4#s3://} to=${5#s3://}
mkdir -p "$(dirname "$to")"
cp "$from" "$to"
"""
DOWSIM = """#!/bin/sh
echo "$*" >> "$CALLS"
while [ "$1" != --out ] && [ "$1" != --merge ]; do shift; done
if [ "$1" = --merge ]; then
    shift; rows=""
    while [ "$1" != --out ]; do rows="$rows $(cat "$1")"; shift; done
    echo "all:$rows" > "$2"
elif [ -n "${FAIL:-}" ]; then exit 7
else echo "rows" > "$2"; fi
"""


class Sweep(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = Path(kept.name)
        for name, text in (("aws", AWS), ("dowsim", DOWSIM)):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o755)
        self.bucket = self.folder / "bucket"
        self.calls = self.folder / "calls"

    def run_script(self, name, *words, **variables):
        known = {"PATH": f"{self.folder}:{os.environ['PATH']}", "TABLES": str(self.bucket), "CALLS": str(self.calls)}
        return subprocess.run([cfn.INFRA / "sweep" / name, *words], env={**known, **variables}, capture_output=True, text=True)

    def test_shards_count_from_one_and_the_merge_takes_all_of_them(self):
        for index in range(12):
            done = self.run_script("shard", "lag", "12", "botnet-flood", "--seeds 10 --set a.b=1", AWS_BATCH_JOB_ARRAY_INDEX=str(index))
            self.assertEqual(done.returncode, 0, done.stderr)
        calls = self.calls.read_text().splitlines()
        self.assertEqual(calls[0].split(" --out")[0], "sweep botnet-flood --seeds 10 --set a.b=1 --shard 1/12")
        self.assertIn("--shard 12/12", calls[-1])
        done = self.run_script("merge", "lag", "12")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.bucket / "lag" / "all.csv").read_text(), "all:" + " rows" * 12 + "\n")

    def test_a_shard_that_failed_or_is_missing_ends_the_job(self):
        failed = self.run_script("shard", "lag", "2", "botnet-flood", "", AWS_BATCH_JOB_ARRAY_INDEX="0", FAIL="1")
        self.assertEqual(failed.returncode, 7)
        self.assertNotEqual(self.run_script("merge", "lag", "2").returncode, 0)
        self.assertFalse((self.bucket / "lag" / "all.csv").exists())
