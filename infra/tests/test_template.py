"""The SAM template: clean, translatable, and closed to nonsense."""

import base64
import gzip
import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import jsonschema
import tomllib

import cfn

sys.path.insert(0, str(cfn.INFRA))
import stackset  # noqa: E402

SAM = cfn.INFRA / "sam" / "template.yaml"
TEMPLATES = [SAM, *sorted((cfn.INFRA / "chat").glob("*.yaml")), *sorted((cfn.INFRA / "organization").glob("*.yaml")),
             *sorted((cfn.INFRA / "sweep").glob("*.yaml"))]
LEAST = {"MonthlyBudgetUsd": 400}
COMPANY = {
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary", "RolePath": "/platform/", "LogDays": 3653,
    "KeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", "ScheduleGroup": "platform",
    "SubnetIds": "subnet-0a1b2c3d,subnet-1a1b2c3d", "SecurityGroupIds": "sg-0a1b2c3d", "PolicyParameterName": "/platform/policy",
    **{f"{name}TopicArn": f"arn:aws:sns:eu-central-1:123456789012:{name}" for name in ("People", "Chat", "Pager", "Watch")},
}

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
    ({"PolicyText": "x \n" * 1366}, "4096"),
    ({"PolicyText": "#"}, "was cut"),
    ({"GuardedFunctionArns": "arn:aws:lambda:eu-central-1:123456789012:function:a,"}, "ARNs of functions"),
    ({"GuardedFunctionArns": ",".join(["arn:aws:lambda:eu-central-1:123456789012:function:orders"] * 36)}, "IAM takes 10240"),
    ({"LogDays": 8}, "7, 14"),
    ({"PolicyParameterName": "policy"}, "the full name"),
    ({"PolicyParameterName": "/p", "PolicyText": "[[budget]]\nname = 'a'\n"}, "in two places"),
    ({"PeopleTopicArn": "people"}, "ARN of an SNS topic"),
    ({"WatchTopicArn": "arn:aws:sqs:eu-central-1:123456789012:watch"}, "ARN of an SNS topic"),
    ({"PermissionsBoundaryArn": "boundary"}, "managed policy"),
    ({"RolePath": "platform"}, "a slash"),
    ({"KeyArn": "alias/mine"}, "KMS key"),
    ({"SubnetIds": "subnet-0a1b2c3d"}, "SecurityGroupIds is not"),
    ({"SecurityGroupIds": "sg-0a1b2c3d"}, "SubnetIds is not"),
    ({"SubnetIds": "subnet-0a1b2c3d,", "SecurityGroupIds": "sg-0a1b2c3d"}, "ids of subnets"),
    ({"SecurityGroupIds": "default"}, "ids of security groups"),
    ({"ScheduleGroup": "my group"}, "name of a group"),
    ({"Armed": "true"}, "protects nothing"),
    ({"Dashboard": "true"}, "would be empty"),
    ({"Budget": 5}, "do not exist"),
]


def plain() -> dict:
    """The template with its package from a bucket, as CloudFormation gets it."""
    return cfn.parsed(stackset.written())


class Template(unittest.TestCase):
    def test_cfn_lint_has_nothing_to_say(self):
        linter = Path(sys.executable).parent / "cfn-lint"
        command = [linter, "--regions", "eu-central-1", "us-east-1", "--", *TEMPLATES]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_is_plain_cloudformation_and_small_enough_to_be_passed_by_value(self):
        # A StackSet that the organization manages takes no transform; a template in a request has 51,200 bytes at most.
        for template in (cfn.load(SAM), plain()):
            self.assertNotIn("Transform", template)
            kinds = {resource["Type"] for resource in template["Resources"].values()}
            self.assertFalse([kind for kind in kinds if kind.startswith("AWS::Serverless")], kinds)
        self.assertLess(len(stackset.written().encode()), 51_200)

    def test_everything_stands_until_the_guard_has_put_everything_back(self):
        # CloudFormation deletes nothing on which something depends that could not be deleted.
        resources = cfn.load(SAM)["Resources"]
        leaving = resources["Leaving"]
        named = {*leaving["DependsOn"], *re.findall(r"'Ref': '(\w+)'|'Fn::GetAtt': \['(\w+)'", str(leaving["Properties"]))}
        named = {name for found in named for name in ([found] if isinstance(found, str) else found)}
        self.assertEqual(set(resources) - named, {"Leaving"})
        leaving = cfn.Stack(cfn.load(SAM), LEAST).resources()["Leaving"]["Properties"]
        self.assertTrue(leaving["ServiceToken"].endswith(":function:dow-guard"))
        self.assertGreater(leaving["ServiceTimeout"], resources["Guard"]["Properties"]["Timeout"])

    def test_a_policy_that_was_cut_on_its_way_is_refused_and_a_whole_or_packed_one_is_not(self):
        template = cfn.load(SAM)
        for name in ("complete.toml", "minimal.toml"):
            whole = (cfn.INFRA / "policy" / name).read_text().strip()
            packed = base64.b64encode(gzip.compress(whole.encode())).decode()
            for text in (whole, packed):
                self.assertEqual(cfn.refusals(template, {**LEAST, "PolicyText": text}), [], text[:40])
            # SAM's command line ends a value at its first space; others end it at its first line.
            for cut in (whole.split(" ")[0], whole.splitlines()[0], "armed=true\n[[budget]]\nname=", "H4sI"):
                self.assertIn("cut on its way", " ".join(cfn.refusals(template, {**LEAST, "PolicyText": cut})), cut)

    def test_a_list_of_the_longest_kind_leaves_a_role_within_what_iam_takes(self):
        limits = cfn.load(SAM)["Parameters"]["GuardedFunctionArns"]
        arn = "arn:aws-us-gov:lambda:ap-southeast-1:123456789012:function:"
        # Names of every length up to the 64 of Lambda's.
        for length in (8, 30, 64):
            listed = ",".join([arn + "f" * length] * 60)[:limits["MaxLength"]].rpartition(",")[0]
            key = "arn:aws-us-gov:kms:ap-southeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
            given = {**LEAST, "Name": "g" * 30, "Permissions": "act", "GuardedFunctionArns": listed,
                     "TopicKeyArn": key, "KeyArn": key, "SubnetIds": "subnet-0a1b2c3d", "SecurityGroupIds": "sg-0a1b2c3d"}
            role = cfn.Stack(cfn.load(SAM), given).resources()["GuardRole"]["Properties"]["Policies"]
            # Without white space, as IAM counts ("IAM and AWS STS quotas", read 2026-11), and with a longer partition and region.
            size = sum(len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) for policy in role)
            longer = sum(json.dumps(policy["PolicyDocument"]).count("arn:aws:") for policy in role)
            size += longer * (len("aws-us-gov") - len("aws") + len("ap-southeast-1") - len("eu-central-1"))
            self.assertLess(size, 10_240, length)

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
            {"Email": "ops@example.org", "TickMinutes": 10, "WakeConcurrency": 800, "WakeTopic": "true"}, COMPANY,
        ]:
            self.assertEqual(cfn.refusals(template, {**LEAST, **given}), [], given)

    def test_what_a_company_may_ask_for_is_everywhere_it_belongs(self):
        stack = cfn.Stack(cfn.load(SAM), {**LEAST, **COMPANY}).resources()
        guard, key = stack["Guard"]["Properties"], COMPANY["KeyArn"]
        for role in ("GuardRole", "ScheduleRole"):
            properties = stack[role]["Properties"]
            self.assertEqual((properties["Path"], properties["PermissionsBoundary"]), ("/platform/", COMPANY["PermissionsBoundaryArn"]))
        self.assertEqual({stack["Log"]["Properties"]["KmsKeyId"], guard["KmsKeyArn"], stack["Memory"]["Properties"]["SSESpecification"]["KMSMasterKeyId"]}, {key})
        self.assertEqual(guard["VpcConfig"], {"SubnetIds": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"]})
        made = {name for name in stack if stack[name]["Type"].startswith(("AWS::SNS::", "AWS::SSM::"))}
        self.assertEqual(made, set(), "what is there already is not made")
        self.assertEqual(guard["Environment"]["Variables"]["DOW_GUARD_TOPIC"], COMPANY["PeopleTopicArn"])
        self.assertEqual(guard["Environment"]["Variables"]["DOW_GUARD_POLICY_PARAMETER"], COMPANY["PolicyParameterName"])
        self.assertEqual(stack["TicksMissing"]["Properties"]["AlarmActions"], [COMPANY["WatchTopicArn"]])
        self.assertEqual(stack["Schedule"]["Properties"]["GroupName"], "platform")
        self.assertIn(":schedule-group/platform", str(stack["ScheduleRole"]))
        # Some are there and some are not: the rest is closed to all but the guard.
        some = cfn.Stack(cfn.load(SAM), {**LEAST, "PeopleTopicArn": COMPANY["PeopleTopicArn"]}).resources()
        topics = some["GuardTopicsPolicy"]["Properties"]["Topics"]
        self.assertEqual([topic.rsplit(":", 1)[1] for topic in topics], ["dow-guard-chat", "dow-guard-pager"])

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

