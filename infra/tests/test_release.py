"""What a release holds, used from its artefact alone: nothing to a watching guard, without Rust and without the clone."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import unittest
import venv
from pathlib import Path

import yaml

import cfn
import emulator
import steps

sys.path.insert(0, str(cfn.INFRA))
import sbom  # noqa: E402
import wheel  # noqa: E402

WORKFLOW = cfn.INFRA.parent / ".github" / "workflows" / "release.yml"


class Release(unittest.TestCase):
    def test_three_commands_from_a_wheel_to_a_watching_guard(self):
        programs = os.environ.get("INFRA_USER")
        if not programs:
            self.skipTest("no SAM CLI: run.py installs it")
        if not steps.guard().exists():
            self.skipTest(f"no guard to deploy: {steps.guard()} is made by the end-to-end tests, or say E2E_GUARD=FILE")
        with tempfile.TemporaryDirectory() as made:
            made = Path(made)
            steps.package(made / "bootstrap-arm64.zip", "of the wheel")
            binary = made / "guard-fn"
            shutil.copy(steps.guard(), binary)
            here = re.sub(r"\W", "_", sysconfig.get_platform())
            built = wheel.build(here, [binary], [made / "bootstrap-arm64.zip"], made / "dist")
            again = wheel.build(here, [binary], [made / "bootstrap-arm64.zip"], made / "again")
            self.assertEqual(built.read_bytes(), again.read_bytes(), "the same files make the same wheel")
            home = made / "home"
            venv.create(home, with_pip=True)
            user = made / "user"
            user.mkdir()
            at = emulator.Emulator()
            self.addCleanup(at.stop)
            clean = {key: value for key, value in at.variables.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
            clean |= {"PATH": f"{home}/bin:{programs}:/usr/bin:/bin", "HOME": str(user), "SAM_CLI_TELEMETRY": "0"}
            shell = steps.Shell(user, clean)
            self.addCleanup(shell.close)
            for command in (
                f"pip install --quiet --no-index --disable-pip-version-check {built}",
                "dow-guard",
                "sam deploy --template-file dow-guard/template.yaml --stack-name dow-guard --capabilities CAPABILITY_IAM "
                "--resolve-s3 --parameter-overrides MonthlyBudgetUsd=400",
            ):
                shell.run(command)
            said = at.client("lambda").invoke(FunctionName="dow-guard", Payload=b'{"tick":"now"}')
            line = json.load(said["Payload"])
            self.assertNotIn("FunctionError", said, line)
            self.assertFalse(line["armed"])
            # And the program is there, with what it checks.
            self.assertIn("ok", shell.run("guard-fn policy check dow-guard/policy/complete.toml"))
            left = {path.name for path in (user / "dow-guard").iterdir()}
            self.assertEqual(left, {"bootstrap-arm64.zip", "template.yaml", "dow-guard.yaml", "terraform", "policy"})
            self.assertTrue((user / "dow-guard" / "terraform" / "iam" / "read.json").exists())

    def test_a_bill_of_materials_has_every_crate_of_the_package_with_its_checksum(self):
        if not shutil.which("cargo"):
            self.skipTest("no cargo here")
        bill = sbom.bill("guard-fn", "aarch64-unknown-linux-gnu")
        names = {component["name"]: component for component in bill["components"]}
        self.assertGreater(len(names), 100)
        self.assertIn("aws-sdk-lambda", names)
        self.assertNotIn("proptest", names, "what only tests use")
        without = {name for name, component in names.items() if "hashes" not in component}
        self.assertEqual(without, {"guard-core"})

    def test_the_workflow_builds_both_architectures_and_uses_what_is_there(self):
        text = WORKFLOW.read_text()
        jobs = yaml.safe_load(text)["jobs"]
        of = lambda job, key: [each[key] for each in jobs[job]["strategy"]["matrix"]["include"]]
        self.assertEqual(of("package", "architecture"), ["arm64", "x86_64"])
        self.assertLessEqual({"linux-x86_64", "linux-arm64"}, set(of("programs", "name")))
        untried = [each["name"] for each in jobs["programs"]["strategy"]["matrix"]["include"] if each.get("untried")]
        self.assertTrue(untried and all(not name.startswith("linux") for name in untried), untried)
        for path in re.findall(r"(?:python3|-r) (\S+\.(?:py|txt))", text):
            self.assertTrue((cfn.INFRA.parent / path).exists(), path)
        options = subprocess.run([sys.executable, cfn.INFRA / "wheel.py", "--help"], capture_output=True, text=True).stdout
        for option in re.findall(r"--(\w+)", text[text.index("infra/wheel.py"):text.index("--out dist")]):
            self.assertIn(f"--{option}", options)
        # Only the last job may write, and only with what it needs.
        self.assertEqual([name for name, job in jobs.items() if "permissions" in job], ["release"])
        self.assertNotIn("secrets.", text)


if __name__ == "__main__":
    unittest.main()
