"""Every command of README.md, as it stands and in its order, in an emulator of AWS with a function under attack."""

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import unittest
from datetime import datetime, timedelta, timezone

import cfn
import emulator
import steps
import test_deploy
from test_terraform import Terraform

WORK = cfn.INFRA.parent / "target" / "infra"
# Commands that are not run here, by how they begin, and why.
NOT_HERE = {
    "rustup target add": "builds for minutes; the guard that the end-to-end tests built is packed as this packs it",
    "git pull": "there is nothing newer than this tree; another package stands for it",
    "aws cloudformation deploy --template-file infra/chat": "the emulator knows no AWS::Chatbot; see test_others",
}
# The account's limit, and what its owner reserved for a function: there before the guard, and again after it.
CONCURRENCY, RESERVED = 2000, 1900
MAIN = "sam deploy --template-file infra/sam/template.yaml"


def minute(at: datetime, name: str, invocations: int, minutes: int = 1) -> list:
    """The metrics of so many like minutes of a function whose runs take half a second."""
    dimensions = [{"Name": "FunctionName", "Value": name}]
    values = {
        "Invocations": invocations * minutes,
        "Errors": 0,
        "Throttles": 0,
        "ConcurrentExecutions": -(-invocations // 120),
    }
    data = [{"MetricName": metric, "Value": value} for metric, value in values.items()]
    durations = {
        "SampleCount": invocations * minutes,
        "Sum": 500.0 * invocations * minutes,
        "Minimum": 500,
        "Maximum": 500,
    }
    data.append({"MetricName": "Duration", "StatisticValues": durations})
    return [{**point, "Dimensions": dimensions, "Timestamp": at} for point in data]


def attacked(at: emulator.Emulator):
    """An account with two functions, and an attack on one of them that goes on."""
    functions = at.client("lambda")
    for name, memory in (("orders", 1024), ("shop", 10240)):
        functions.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role="arn:aws:iam::000000000000:role/any",
            Handler="index.handler",
            Code={"ZipFile": emulator.package()},
            MemorySize=memory,
            Timeout=10,
        )
    functions.tag_resource(
        Resource=functions.get_function(FunctionName="shop")["Configuration"]["FunctionArn"],
        Tags={"dow-guard": "enforce"},
    )
    functions.put_function_concurrency(FunctionName="shop", ReservedConcurrentExecutions=RESERVED)
    now = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    data = []
    # Two quiet weeks, so that the hour of an attack that nobody watched is no 99th percentile.
    for hours in range(14 * 24, 2, -1):
        data += [point for name in ("orders", "shop") for point in minute(now - timedelta(hours=hours), name, 60, 60)]
    for minutes in range(-180, 20):
        data += minute(now + timedelta(minutes=minutes), "orders", 60)
        # All of it busy, at 10 GB, is $19 a minute. The guard's first look sees forty minutes at least.
        data += minute(now + timedelta(minutes=minutes), "shop", 120 * RESERVED if minutes > -60 else 60)
    for first in range(0, len(data), 1000):
        at.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=data[first : first + 1000])


class Steps(unittest.TestCase):
    def account(self) -> emulator.Emulator:
        """An attacked account, and the clone of a new user in front of it."""
        programs = os.environ.get("INFRA_USER")
        if not programs:
            self.skipTest("no AWS CLI and SAM CLI: run.py installs them")
        for need in ("bash", "jq"):
            if not shutil.which(need):
                self.skipTest(f"no {need} here, which README.md asks for")
        if not steps.guard().exists():
            self.skipTest(f"no guard to deploy: {steps.guard()} is made by the end-to-end tests, or say E2E_GUARD=FILE")
        now = datetime.now(timezone.utc)
        if now.day == 1 and now.hour < 2:
            self.skipTest("the month is younger than the attack")
        at = emulator.Emulator(CONCURRENCY)
        self.addCleanup(at.stop)
        attacked(at)
        self.clone = WORK / "steps"
        shutil.rmtree(self.clone, ignore_errors=True)
        shutil.copytree(
            cfn.INFRA, self.clone / "infra", ignore=shutil.ignore_patterns("tests", ".terraform*", "*.tfstate*")
        )
        self.package = self.clone / "target" / "lambda" / "guard-fn" / "bootstrap.zip"
        steps.package(self.package, "first")
        # Programs of the new user's, and nothing that this machine has set for Python or AWS.
        self.variables = {
            key: value for key, value in at.variables.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))
        }
        self.variables |= {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "SAM_CLI_TELEMETRY": "0",
            "AWS_PAGER": "",
            "HOME": str(self.clone),
        }
        self.shell = steps.Shell(self.clone, self.variables)
        self.addCleanup(self.shell.close)
        return at

    def reserved(self, name: str):
        return self.at.client("lambda").get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")

    def deployed(self) -> str:
        return self.at.client("lambda").get_function_configuration(FunctionName="dow-guard")["CodeSha256"]

    def packed(self, name: str) -> str:
        return base64.b64encode(hashlib.sha256((self.clone / name).read_bytes()).digest()).decode()

    def ask(self, command: str) -> dict:
        return json.loads(self.shell.run(f"guard '{command}'"))

    def test_from_clone_to_armed_guard_through_upgrade_and_rollback_to_nothing_left(self):
        self.at = self.account()
        # What each step must have done, in the order of the README; a step without a word here need only succeed.
        checks = iter(
            [
                ("aws lambda get-account-settings", lambda said: self.assertEqual(said, f"{CONCURRENCY}\n")),
                (MAIN, self.as_installed),
                ("guard()", self.it_looks_and_touches_nothing),
                ('guard \'{"command":"plan"}\'', self.it_says_what_it_would_do),
                ("aws lambda tag-resource", self.tagged),
                (MAIN, self.armed),
                ('guard \'{"command":"cap"', self.drilled),
                ("cp target/lambda", self.another_package_is_built),
                (MAIN, self.upgraded),
                ("aws lambda update-function-code", self.rolled_back),
                ("cp previous.zip", self.rolled_back),
                ("sam delete", self.gone),
            ]
        )
        unused = set(NOT_HERE)
        for block in steps.commands(steps.README.read_text()):
            if block.startswith("terraform "):
                continue
            if reason := next((begin for begin in NOT_HERE if block.startswith(begin)), None):
                unused.discard(reason)
                continue
            begin, check = next(checks, (None, None))
            self.assertTrue(
                begin and block.startswith(begin), f"README.md has a command that this test does not expect:\n{block}"
            )
            check(self.shell.run(block))
        self.assertIsNone(next(checks, None))
        self.assertEqual(unused, set())

    def as_installed(self, _):
        self.assertEqual(self.deployed(), self.packed("target/lambda/guard-fn/bootstrap.zip"))
        policy = self.at.client("ssm").get_parameter(Name="/dow-guard/policy")["Parameter"]["Value"]
        self.assertIn("armed = false\n", policy)
        self.assertIn("usd = 400\n", policy)
        self.assertIn('mode = "alert"\n', policy)

    def it_looks_and_touches_nothing(self, said):
        proved, tick, status = documents(said)
        self.assertTrue(proved["ok"], said)
        self.assertFalse(tick["armed"])
        self.assertFalse(status["armed"])
        self.assertGreater(float(status["spent"]["account"]), 400, said)
        self.assertEqual((status["trips"], self.reserved("shop"), self.reserved("orders")), ({}, RESERVED, None))

    def it_says_what_it_would_do(self, said):
        self.assertIn("Budget account", said)
        self.assertIn("worst_per_hour", said)

    def tagged(self, _):
        functions = self.at.client("lambda")
        arn = functions.get_function(FunctionName="orders")["Configuration"]["FunctionArn"]
        self.assertEqual(functions.list_tags(Resource=arn)["Tags"], {"dow-guard": "enforce"})

    def armed(self, _):
        policy = self.at.client("ssm").get_parameter(Name="/dow-guard/policy")["Parameter"]["Value"]
        for word in ("armed = true\n", "usd = 400\n", 'mode = "cap"\n'):
            self.assertIn(word, policy)
        # In place of five minutes of patience: a new environment of the function reads the policy at its first tick.
        self.at.client("lambda").update_function_configuration(FunctionName="dow-guard", Timeout=60)
        self.assertTrue(self.ask('{"tick":"now"}')["armed"])
        self.assertLess(self.reserved("shop"), RESERVED, self.ask('{"command":"explain","function":"shop"}'))
        self.cap = self.reserved("shop")
        self.assertIsNone(self.reserved("orders"))

    def drilled(self, said):
        self.assertEqual(said.splitlines()[0], "orders: reserved concurrency none → 50")
        self.assertIn('"ReservedConcurrentExecutions": 50', said)
        self.assertEqual(said.splitlines()[-1], "orders: reserved concurrency 50 → none")
        self.assertIsNone(self.reserved("orders"))
        # Capped by hand once more, so that an upgrade meets a cap of each kind.
        self.ask('{"command":"cap","function":"orders","concurrency":50}')

    def another_package_is_built(self, _):
        steps.package(self.package, "second")

    def upgraded(self, said):
        self.assertNotEqual(self.packed("previous.zip"), self.packed("target/lambda/guard-fn/bootstrap.zip"))
        self.assertEqual(self.deployed(), self.packed("target/lambda/guard-fn/bootstrap.zip"))
        self.assertTrue(said.endswith("true\n"), said[-200:])
        self.the_caps_stand()

    def rolled_back(self, _):
        self.assertEqual(self.deployed(), self.packed("previous.zip"))
        self.the_caps_stand()

    def the_caps_stand(self):
        self.assertEqual((self.reserved("shop"), self.reserved("orders")), (self.cap, 50))
        status = self.ask('{"command":"status"}')
        self.assertEqual((set(status["trips"]), status["armed"]), ({"orders", "shop"}, True))

    def gone(self, _):
        # Two caps were in force and the attack goes on: the stack is gone, and what its functions had is back.
        names = {function["FunctionName"] for function in self.at.client("lambda").list_functions()["Functions"]}
        self.assertEqual(names, {"orders", "shop"})
        self.assertEqual(self.at.client("dynamodb").list_tables()["TableNames"], [])
        self.assertEqual(self.at.client("scheduler").list_schedules()["Schedules"], [])
        self.assertEqual((self.reserved("shop"), self.reserved("orders")), (RESERVED, None))

    def test_the_commands_of_terraform_install_and_uninstall(self):
        with_plugins = Terraform.ready(self, WORK / "steps-init")
        self.at = self.account()
        example = self.clone / "infra" / "terraform" / "examples" / "minimal"
        (example / "emulator_override.tf").write_text(emulator.PROVIDER)
        # What a person would type when asked, and where this machine keeps the provider.
        asked = {
            "TF_CLI_ARGS_init": " ".join(word for word in with_plugins.init if word.startswith("-plugin-dir")),
            "TF_CLI_ARGS_apply": "-auto-approve -input=false",
            "TF_CLI_ARGS_destroy": "-auto-approve",
            "CHECKPOINT_DISABLE": "1",
        }
        shell = steps.Shell(
            self.clone, {**{k: v for k, v in self.variables.items() if not k.startswith("TF_")}, **asked}
        )
        self.addCleanup(shell.close)
        install, uninstall = [
            block for block in steps.commands(steps.README.read_text()) if block.startswith("terraform ")
        ]
        shell.run(install)
        self.assertEqual(self.deployed(), self.packed("target/lambda/guard-fn/bootstrap.zip"))
        # Caps in force, of which one cannot be taken off: what it had was given to another function meanwhile.
        functions = self.at.client("lambda")
        # Besides the two units of the guard.
        had = RESERVED - 100
        functions.put_function_concurrency(FunctionName="shop", ReservedConcurrentExecutions=had)
        self.order({"command": "cap", "function": "shop", "concurrency": 40})
        self.order({"command": "cap", "function": "orders", "concurrency": 50})
        functions.create_function(FunctionName="other", Runtime="python3.12", Role="arn:aws:iam::000000000000:role/any",
                                  Handler="index.handler", Code={"ZipFile": emulator.package()})
        functions.put_function_concurrency(FunctionName="other", ReservedConcurrentExecutions=700)
        managed = lambda: sum(each["mode"] == "managed" for each in json.loads((example / "terraform.tfstate").read_text())["resources"])
        before = managed()
        with self.assertRaises(AssertionError) as refused:
            shell.run(uninstall)
        shell.close()
        # Terraform breaks lines within a frame.
        self.assertRegex(re.sub(r"[\s│]+", " ", str(refused.exception)), "still changed by the guard.*shop: refused")
        self.assertEqual((self.reserved("shop"), self.reserved("orders")), (40, None))
        self.assertEqual((managed(), before > 25), (before, True), "nothing is gone")
        self.assertEqual(self.at.client("scheduler").list_schedules()["Schedules"][0]["Name"], "dow-guard-tick")
        functions.delete_function_concurrency(FunctionName="other")
        shell = steps.Shell(self.clone, shell.variables)
        self.addCleanup(shell.close)
        shell.run(uninstall)
        self.assertEqual((self.reserved("shop"), self.reserved("orders")), (had, None))
        self.assertEqual(self.at.client("dynamodb").list_tables()["TableNames"], [])
        self.assertEqual({each["FunctionName"] for each in functions.list_functions()["Functions"]}, {"orders", "shop", "other"})

    def order(self, words: dict) -> dict:
        """An order that the guard carries out, or that fails the test."""
        said = self.at.client("lambda").invoke(FunctionName="dow-guard", Payload=json.dumps(words).encode())
        answer = json.load(said["Payload"])
        self.assertNotIn("FunctionError", said, answer)
        return answer

    def test_a_stack_whose_guard_cannot_put_everything_back_is_not_deleted_and_the_laptop_does_the_rest(self):
        self.at = self.account()
        test_deploy.deploy_template(self.at, {"MonthlyBudgetUsd": "400", "Permissions": "act"}, self.package.read_bytes())
        functions, stacks = self.at.client("lambda"), self.at.client("cloudformation")
        self.order({"command": "cap", "function": "shop", "concurrency": 40})
        functions.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=700)
        stacks.delete_stack(StackName="dow-guard")
        stack = test_deploy.settled(stacks, "dow-guard")
        self.assertEqual(stack["StackStatus"], "DELETE_FAILED")
        reasons = [event.get("ResourceStatusReason", "") for event in stacks.describe_stack_events(StackName="dow-guard")["StackEvents"]
                   if event["LogicalResourceId"] == "Leaving"]
        self.assertTrue(any("still changed by the guard" in reason and "shop: refused" in reason for reason in reasons), reasons)
        self.assertEqual(self.reserved("shop"), 40)
        # What to restore is in the table, which stays whatever happens to the rest.
        functions.delete_function_concurrency(FunctionName="orders")
        self.package.with_name("guard-fn").symlink_to(steps.guard())
        self.shell.run(f"PATH={self.package.parent}:$PATH guard-fn release-all --table dow-guard --guard dow-guard --apply")
        self.assertEqual(self.reserved("shop"), RESERVED)

    def test_every_documented_way_to_give_a_policy_stores_it_whole(self):
        self.at = self.account()
        self.package.write_bytes(emulator.package())
        region = emulator.REGION
        self.at.client("s3").create_bucket(Bucket=f"packages-{region}", CreateBucketConfiguration={"LocationConstraint": region})
        self.shell.run("sam deploy --template-file infra/sam/template.yaml --stack-name dow-guard --capabilities CAPABILITY_IAM "
                       "--resolve-s3 --parameter-overrides MonthlyBudgetUsd=400")
        whole, ways = (cfn.INFRA / "policy" / "complete.toml").read_text(), 0
        for block in steps.commands((cfn.INFRA / "policy" / "README.md").read_text()):
            # Another policy each time, so that no way passes for the one before it.
            mine = whole + f"# way {ways}\n"
            if block.startswith("cargo run"):
                block = block.split("\n", 1)[1]
            elif ways:
                (self.clone / "policy.toml").write_text(mine)
            name = "/platform/dow-guard/policy" if "put-parameter" in block else "/dow-guard/policy"
            self.shell.run(block)
            if ways:
                stored = self.at.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
                if stored.startswith("H4sI"):
                    stored = gzip.decompress(base64.b64decode(stored)).decode()
                self.assertEqual(stored.strip(), mine.strip(), block)
            ways += 1
        self.assertEqual(ways, 6)
        # And the way that loses it is refused.
        with self.assertRaisesRegex(AssertionError, "cut on its way|AllowedPattern|must match pattern|PolicyText"):
            self.shell.run("sam deploy --template-file infra/sam/template.yaml --stack-name dow-guard --capabilities CAPABILITY_IAM "
                           '--resolve-s3 --parameter-overrides "PolicyText=$(cat policy.toml)"')


def documents(text: str) -> list:
    """JSON documents one after the other."""
    found, decoder, text = [], json.JSONDecoder(), text.strip()
    while text:
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:].strip()
    return found


if __name__ == "__main__":
    unittest.main()
