"""The SAM template: clean, translatable, and closed to nonsense."""

import json
import logging
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import boto3
import jsonschema
import tomllib
from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

import cfn

SAM = cfn.INFRA / "sam" / "template.yaml"
TEMPLATES = [SAM, *sorted((cfn.INFRA / "chat").glob("*.yaml")), *sorted((cfn.INFRA / "organization").glob("*.yaml")),
             *sorted((cfn.INFRA / "sweep").glob("*.yaml"))]
# It asks for its own usage metrics to be published, which nobody wants here.
logging.getLogger("samtranslator").setLevel(logging.ERROR)
LEAST = {"MonthlyBudgetUsd": 400}

# What is refused, and a word that its message must have.
NONSENSE = [
    ({}, "MonthlyBudgetUsd"),
    ({"MonthlyBudgetUsd": -1}, "from 0.01"),
    ({"MonthlyBudgetUsd": 0}, "from 0.01"),
    ({"MonthlyBudgetUsd": 1e12}, "from 0.01"),
    ({"MonthlyBudgetUsd": "much"}, "from 0.01"),
    ({"Mode": "kill"}, "observe, alert, cap or stop"),
    ({"Email": "ops.example.org"}, "ops@example.org"),
    ({"Email": "ops@example"}, "ops@example.org"),
    ({"TickMinutes": 0.5}, "1, 2, 5 or 10"),
    ({"TickMinutes": 0}, "1, 2, 5 or 10"),
    ({"TickMinutes": 7}, "1, 2, 5 or 10"),
    ({"Name": "DowGuard"}, "lower-case"),
    ({"Name": "x"}, "2 to 30"),
    ({"Architecture": "riscv"}, "arm64 or x86_64"),
    ({"Permissions": "admin"}, "read-only or act"),
    ({"Armed": "perhaps"}, "true or false"),
    ({"GuardedFunctionArns": "*"}, "ARNs of functions"),
    ({"GuardedFunctionArns": "orders"}, "ARNs of functions"),
    ({"GuardedFunctionArns": "arn:aws:lambda:eu-central-1:123456789012:function:orders:7"}, "without version"),
    ({"TopicKeyArn": "alias/mine"}, "KMS key"),
    ({"Metrics": "some"}, "none, guard or all"),
    ({"LogDays": 0}, "7, 14"),
    ({"ReserveConcurrency": "yes"}, "true or false"),
    ({"Prices": "gcp"}, "embedded or aws"),
    ({"WakeConcurrency": -1}, "from 0"),
    ({"WakeInvocations": -1}, "from 0"),
    ({"PolicyText": "x" * 4097}, "4096"),
    ({"Armed": "true"}, "protects nothing"),
    ({"Dashboard": "true"}, "would be empty"),
    ({"Budget": 5}, "do not exist"),
]


def translated(path: Path = SAM) -> dict:
    """The template as CloudFormation gets it."""
    template = cfn.load(path)
    template["Resources"]["Guard"]["Properties"]["CodeUri"] = {"Bucket": "packages", "Key": "bootstrap.zip"}
    loader = ManagedPolicyLoader(boto3.client("iam", region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none"))
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    loader.load = dict  # no managed policies are named, so none are asked for
    return transform(template, {}, loader)


class Template(unittest.TestCase):
    def test_cfn_lint_has_nothing_to_say(self):
        linter = Path(sys.executable).parent / "cfn-lint"
        command = [linter, "--regions", "eu-central-1", "us-east-1", "--", *TEMPLATES]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_translates_to_plain_cloudformation(self):
        template = translated()
        kinds = {resource["Type"] for resource in template["Resources"].values()}
        self.assertFalse([kind for kind in kinds if kind.startswith("AWS::Serverless")], kinds)
        self.assertIn("AWS::Lambda::Function", kinds)

    def test_nonsense_is_refused_with_a_word_that_helps(self):
        template = cfn.load(SAM)
        for given, word in NONSENSE:
            with self.subTest(given=str(given)[:80]):
                whole = given if not given or "MonthlyBudgetUsd" in given else {**LEAST, **given}
                said = " ".join(cfn.refusals(template, whole))
                self.assertIn(word, said)

    def test_what_is_sensible_is_not_refused(self):
        template = cfn.load(SAM)
        functions = "arn:aws:lambda:eu-central-1:123456789012:function:orders-*,arn:aws:lambda:eu-central-1:123456789012:function:mail"
        for given in [
            {}, {"MonthlyBudgetUsd": 12.5}, {"Permissions": "act", "Armed": "true", "Mode": "cap"},
            {"Metrics": "all", "Dashboard": "true"}, {"GuardedFunctionArns": functions, "Permissions": "act"},
            {"Email": "ops@example.org", "TickMinutes": 10, "WakeConcurrency": 800, "WakeTopic": "true"},
        ]:
            self.assertEqual(cfn.refusals(template, {**LEAST, **given}), [], given)

    def test_the_memory_can_be_recovered_and_outlives_the_stack(self):
        # The emulator applies neither of the first two.
        table = cfn.Stack(cfn.load(SAM), LEAST).resources()["Memory"]
        self.assertEqual(table["Properties"]["PointInTimeRecoverySpecification"], {"PointInTimeRecoveryEnabled": True})
        self.assertEqual(table["Properties"]["TimeToLiveSpecification"], {"AttributeName": "ttl", "Enabled": True})
        self.assertEqual((table["DeletionPolicy"], table["UpdateReplacePolicy"]), ("RetainExceptOnCreate", "Retain"))

    def test_what_the_guard_says_is_encrypted_and_nobody_else_speaks_there(self):
        key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        for given, of_guard, of_others in (("", "alias/aws/sns", None), (key, key, key)):
            stack = cfn.Stack(cfn.load(SAM), {**LEAST, "WakeTopic": "true", "TopicKeyArn": given}).resources()
            found = {name: stack[name]["Properties"].get("KmsMasterKeyId") for name in stack if name.endswith("Topic")}
            guard = {"PeopleTopic", "ChatTopic", "PagerTopic"}
            self.assertEqual(found, {name: of_guard if name in guard else of_others for name in guard | {"WatchTopic", "HintTopic"}})
        closed, clear = stack["GuardTopicsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        self.assertEqual((closed["Effect"], list(closed["Condition"])), ("Deny", ["ArnNotEquals"]))
        self.assertEqual((clear["Effect"], clear["Condition"]), ("Deny", {"Bool": {"aws:SecureTransport": "false"}}))
        for name in ("WatchTopicPolicy", "HintTopicPolicy"):
            for statement in stack[name]["Properties"]["PolicyDocument"]["Statement"]:
                narrowed = statement["Condition"].get("StringEquals", {}).get("aws:SourceAccount") == "123456789012"
                self.assertTrue(statement["Effect"] == "Deny" or narrowed, statement["Sid"])

    def test_a_tick_and_an_order_can_run_where_the_account_allows(self):
        for said, reserved in (("true", 2), ("false", None)):
            guard = cfn.Stack(cfn.load(SAM), {**LEAST, "ReserveConcurrency": said}).resources()["Guard"]
            self.assertEqual(guard["Properties"].get("ReservedConcurrentExecutions"), reserved)

    def test_every_door_is_an_alias_that_the_guard_knows(self):
        doors = set(re.findall(r'Some\("([a-z]+)"\) => Door', (cfn.INFRA.parent / "guard-fn/src/wake/door.rs").read_text()))
        resources = cfn.Stack(cfn.load(SAM), LEAST).resources().values()
        aliases = [resource["Properties"] for resource in resources if resource["Type"] == "AWS::Lambda::Alias"]
        self.assertEqual({alias["Name"] for alias in aliases}, doors)
        # A version would stay behind at the next deployment.
        self.assertEqual({alias["FunctionVersion"] for alias in aliases}, {"$LATEST"})

    def test_every_limit_says_what_is_accepted(self):
        for name, limits in cfn.load(SAM)["Parameters"].items():
            self.assertIn("Description", limits, name)
            self.assertTrue(limits.get("ConstraintDescription", "").startswith(f"{name}:"), name)
            self.assertTrue({"AllowedValues", "AllowedPattern", "MinValue"} & set(limits), name)

    def test_what_it_writes_is_a_policy(self):
        schema = json.loads((cfn.INFRA / "policy" / "schema.json").read_text())
        template = cfn.load(SAM)
        for given in [{}, {"MonthlyBudgetUsd": 12.5, "Mode": "cap", "Armed": "true", "Permissions": "act", "TickMinutes": 5}]:
            text = cfn.Stack(template, {**LEAST, **given}).resources()["Policy"]["Properties"]["Value"]
            policy = tomllib.loads(text)
            jsonschema.validate(policy, schema)
            self.assertEqual(policy["armed"], given.get("Armed") == "true")
            self.assertEqual(policy["timing"]["tick_s"], 60 * given.get("TickMinutes", 1))
            self.assertEqual(policy["budget"][0]["usd"], given.get("MonthlyBudgetUsd", 400))

    def test_the_dashboard_is_the_one_in_the_file_and_well_formed(self):
        given = {**LEAST, "Metrics": "all", "Dashboard": "true"}
        body = cfn.Stack(cfn.load(SAM), given).resources()["DashboardOfSpend"]["Properties"]["DashboardBody"]
        text = (cfn.INFRA / "dashboard.json").read_text()
        expected = json.loads(text.replace("${Region}", "eu-central-1").replace("${Stage}", "dow-guard"))
        self.assertEqual(json.loads(body), expected)
        metrics = set(re.findall(r'^    metric\(\s*"(\w+)"', EMF.read_text(), re.M))
        drawn = set(re.findall(r'MetricName=\\"(\w+)\\"', body)) | {
            line[1] for widget in expected["widgets"] for line in widget["properties"].get("metrics", [])
            if isinstance(line[0], str) and line[0] == "DowGuard"}
        self.assertTrue(len(drawn) >= 8 and drawn <= metrics, drawn - metrics)
        taken = set()
        for widget in expected["widgets"]:
            cells = {(widget["x"] + i, widget["y"] + j) for i in range(widget["width"]) for j in range(widget["height"])}
            self.assertFalse(cells & taken, widget["properties"]["title"])
            self.assertLessEqual(widget["x"] + widget["width"], 24)
            taken |= cells


EMF = cfn.INFRA.parent / "guard-fn" / "src" / "emf.rs"


class Sam(unittest.TestCase):
    def test_sam_finds_nothing_to_say(self):
        programs = os.environ.get("INFRA_USER")
        if not programs:
            self.skipTest("the SAM CLI is installed by run.py")
        environment = os.environ | {"AWS_DEFAULT_REGION": "eu-central-1", "SAM_CLI_TELEMETRY": "0"}
        command = [f"{programs}/sam", "validate", "--lint", "--template", str(cfn.INFRA / "sam" / "template.yaml")]
        said = subprocess.run(command, capture_output=True, text=True, env=environment)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertIn("is a valid SAM Template", said.stdout)

