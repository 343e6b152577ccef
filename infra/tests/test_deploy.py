"""Both flavours deployed into an emulator and read back with an independent client: the same, and what the guard needs."""

import json
import re
import time
import unittest

import cfn
import emulator
import test_iam
import test_template
from test_terraform import Terraform

WORK = cfn.INFRA.parent / "target" / "infra"
ARNS = "arn:aws:lambda:eu-central-1:000000000000:function:orders-*,arn:aws:lambda:eu-central-1:000000000000:function:mail"
# Everything that can be chosen, chosen: parameters of the template, and variables of the module from the same values.
ALL = {
    "MonthlyBudgetUsd": "400", "Mode": "cap", "Permissions": "act", "Armed": "true", "GuardedFunctionArns": ARNS,
    "Email": "ops@example.org", "TickMinutes": "5", "Metrics": "all", "Dashboard": "true", "LogDays": "90",
    "WakeConcurrency": "800", "WakeInvocations": "600000", "WakeTopic": "true",
}
LEAST = {"MonthlyBudgetUsd": "12.5"}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def settled(stacks, name: str) -> dict:
    """A stack once nothing goes on in it."""
    for _ in range(480):
        stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        time.sleep(0.25)
    raise AssertionError(f"{name} is still {stack['StackStatus']}")


def deploy_template(at: emulator.Emulator, given: dict, package: bytes = emulator.package(), region: str = emulator.REGION):
    bucket = at.client("s3", region)
    bucket.create_bucket(Bucket=f"packages-{region}", CreateBucketConfiguration={"LocationConstraint": region})
    bucket.put_object(Bucket=f"packages-{region}", Key="dow-guard-arm64.zip", Body=package)
    stacks = at.client("cloudformation", region)
    parameters = [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in {**given, "PackageBucket": "packages"}.items()]
    stacks.create_stack(StackName="dow-guard", TemplateBody=json.dumps(test_template.plain()),
                        Capabilities=["CAPABILITY_IAM"], Parameters=parameters)
    stack = settled(stacks, "dow-guard")
    if stack["StackStatus"] != "CREATE_COMPLETE":
        events = stacks.describe_stack_events(StackName="dow-guard")["StackEvents"]
        raise AssertionError([event for event in events if "FAILED" in event["ResourceStatus"]])
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def deploy_module(at: emulator.Emulator, given: dict, terraform: Terraform):
    kinds = {"Armed": json.loads, "Dashboard": json.loads, "WakeTopic": json.loads, "GuardedFunctionArns": lambda text: text.split(",")}
    variables = {snake(name): kinds.get(name, str)(value) for name, value in given.items()}
    package = terraform.folder / "bootstrap.zip"
    package.write_bytes(emulator.package())
    variables["package"] = str(package)
    (terraform.folder / "given.auto.tfvars.json").write_text(json.dumps(variables))
    (terraform.folder / "emulator_override.tf").write_text(emulator.PROVIDER)
    terraform.run("apply", "-auto-approve", "-input=false", "-no-color", variables=at.variables)
    outputs = json.loads(terraform.run("output", "-json", variables=at.variables))
    return {name: output["value"] for name, output in outputs.items()}


def deployed(at: emulator.Emulator) -> dict:
    """What stands in the emulator, in words that do not depend on who put it there."""
    function = at.client("lambda").get_function(FunctionName="dow-guard")["Configuration"]
    invocations = at.client("lambda").get_function_event_invoke_config(FunctionName="dow-guard", Qualifier="$LATEST")
    schedule = at.client("scheduler").get_schedule(Name="dow-guard-tick")
    table = at.client("dynamodb").describe_table(TableName="dow-guard")["Table"]
    rule = at.client("events").describe_rule(Name="dow-guard-wake")
    target, = at.client("events").list_targets_by_rule(Rule="dow-guard-wake")["Targets"]
    alarms = at.client("cloudwatch").describe_alarms()["MetricAlarms"]
    looked_at = ("AlarmDescription", "Namespace", "MetricName", "Dimensions", "Statistic", "Period", "EvaluationPeriods",
                 "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData", "AlarmActions", "OKActions")
    topics, sns = {}, at.client("sns")
    for topic in sns.list_topics()["Topics"]:
        attributes = sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
        topics[topic["TopicArn"]] = attributes.get("KmsMasterKeyId") or None
    logs = at.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    return {
        "function": {key: function.get(key) for key in (
            "FunctionArn", "Runtime", "Handler", "Timeout", "MemorySize", "Architectures", "Environment", "Description")},
        "log": [(group["logGroupName"], group.get("retentionInDays")) for group in logs],
        "invocations": (invocations["MaximumRetryAttempts"], invocations["MaximumEventAgeInSeconds"]),
        "schedule": {key: schedule[key] for key in ("ScheduleExpression", "State", "FlexibleTimeWindow", "Description")},
        "tick": {key: schedule["Target"][key] for key in ("Arn", "Input", "RetryPolicy")},
        "table": (table["KeySchema"], table["BillingModeSummary"]["BillingMode"]),
        "policy": at.client("ssm").get_parameter(Name="/dow-guard/policy")["Parameter"]["Value"],
        "topics": topics,
        "subscriptions": sorted((s["TopicArn"], s["Protocol"], s["Endpoint"]) for s in sns.list_subscriptions()["Subscriptions"]),
        "rule": (json.loads(rule["EventPattern"]), rule["State"], target["Arn"], target.get("RetryPolicy")),
        "alarms": {alarm["AlarmName"]: {key: alarm.get(key) or None for key in looked_at} for alarm in alarms},
        "dashboards": {name: json.loads(at.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"])
                       for name in sorted(d["DashboardName"] for d in at.client("cloudwatch").list_dashboards()["DashboardEntries"])},
        "permissions": permissions(at),
    }


def keys(given) -> dict:
    """The key of every topic in the template, by the topic's name."""
    resources = cfn.Stack(cfn.load(test_template.SAM), given).resources().values()
    topics = [resource["Properties"] for resource in resources if resource["Type"] == "AWS::SNS::Topic"]
    return {topic["TopicName"]: topic.get("KmsMasterKeyId") for topic in topics}


def permissions(at: emulator.Emulator) -> dict:
    iam, found = at.client("iam"), {}
    for role in iam.list_roles()["Roles"]:
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
            found[name] = json.loads(document) if isinstance(document, str) else document
    return found


class Deployed(unittest.TestCase):
    maxDiff = None

    def stands(self, flavour, given) -> dict:
        at = emulator.Emulator()
        self.addCleanup(at.stop)
        outputs = flavour(at, given)
        self.assertTrue(set(map(snake, outputs)) >= {"guard_function_arn", "release_command", "memory_table"}, outputs)
        return deployed(at)

    def template(self, given) -> dict:
        return self.stands(deploy_template, given)

    def module(self, given) -> dict:
        terraform = Terraform.ready(self, WORK / "deployed")
        return self.stands(lambda at, given: deploy_module(at, given, terraform), given)

    def test_the_template_deploys_what_the_guard_needs(self):
        found = self.template(ALL)
        self.assertEqual(found["invocations"], (0, 60))
        self.assertEqual(found["tick"]["Input"], '{"tick":"<aws.scheduler.scheduled-time>"}')
        self.assertEqual(found["tick"]["RetryPolicy"], {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60})
        self.assertEqual(found["schedule"]["ScheduleExpression"], "rate(5 minutes)")
        self.assertEqual(found["log"], [("/aws/lambda/dow-guard", 90)])
        self.assertEqual([key["AttributeName"] for key in found["table"][0]], ["pk", "sk"])
        self.assertEqual(set(found["permissions"]), set(test_iam.SETS) - {"act-by-tag", "key", "own-key", "vpc"})
        self.assertEqual({name.rsplit(":", 1)[1] for name in found["topics"]}, set(keys(ALL)))
        self.assertEqual(len(found["alarms"]), 6)
        self.assertIn(("lambda", found["function"]["FunctionArn"]), [s[1:] for s in found["subscriptions"]])

    def test_as_installed_it_may_change_nothing_and_with_a_tag_it_may(self):
        found = self.template(LEAST)
        self.assertEqual(set(found["permissions"]) & {"act-by-tag", "act-by-list"}, set())
        self.assertEqual((len(found["alarms"]), found["dashboards"]), (2, {}))
        self.assertIn("usd = 12.5\n", found["policy"])
        self.assertIn("armed = false\n", found["policy"])
        found = self.template({**LEAST, "Permissions": "act"})
        self.assertEqual(set(found["permissions"]) & {"act-by-tag", "act-by-list"}, {"act-by-tag"})

    def test_one_template_is_rolled_out_in_two_regions_each_with_its_own_package_and_topics_of_the_organization(self):
        at = emulator.Emulator()
        self.addCleanup(at.stop)
        for region in ("eu-central-1", "eu-west-1"):
            topics = {name: at.client("sns", region).create_topic(Name=f"organization-{name}")["TopicArn"] for name in ("people", "watch")}
            given = {**LEAST, "PeopleTopicArn": topics["people"], "WatchTopicArn": topics["watch"]}
            outputs = deploy_template(at, given, region=region)
            self.assertIn(f":{region}:", outputs["GuardFunctionArn"])
            function = at.client("lambda", region).get_function(FunctionName="dow-guard")["Configuration"]
            self.assertEqual(function["Environment"]["Variables"]["DOW_GUARD_TOPIC"], topics["people"])
            alarms = at.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
            self.assertEqual({action for alarm in alarms for action in alarm["AlarmActions"]}, {topics["watch"]})
            made = {topic["TopicArn"].rsplit(":", 1)[1] for topic in at.client("sns", region).list_topics()["Topics"]}
            self.assertEqual(made, {"organization-people", "organization-watch", "dow-guard-chat", "dow-guard-pager"})

    def test_what_a_company_asks_for_is_deployed(self):
        at = emulator.Emulator()
        self.addCleanup(at.stop)
        at.client("scheduler").create_schedule_group(Name="platform")
        at.client("ssm").put_parameter(Name="/platform/policy", Value="[[budget]]\nname = 'a'\n", Type="String")
        outputs = deploy_template(at, test_template.COMPANY | LEAST | {"LogDays": "3653"})
        self.assertEqual(outputs["PolicyParameter"], "/platform/policy")
        roles = at.client("iam").list_roles()["Roles"]
        self.assertEqual({role["Path"] for role in roles}, {"/platform/"})
        self.assertEqual(at.client("scheduler").get_schedule(Name="dow-guard-tick", GroupName="platform")["State"], "ENABLED")
        self.assertEqual(at.client("sns").list_topics()["Topics"], [])
        self.assertEqual(at.client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"], 3653)
        self.assertLessEqual({"own-key", "vpc"}, set(permissions(at)))

    def test_the_complete_example_can_be_applied(self):
        terraform = Terraform.ready(self, WORK / "example" / "infra")
        package = WORK / "example" / "target" / "lambda" / "guard-fn" / "bootstrap.zip"
        package.parent.mkdir(parents=True, exist_ok=True)
        package.write_bytes(emulator.package())
        at = emulator.Emulator()
        self.addCleanup(at.stop)
        example = Terraform(terraform.folder / "examples" / "complete")
        # The name of a budget begins with its account.
        provider = emulator.PROVIDER.replace("skip_requesting_account_id = true", "skip_requesting_account_id = false")
        (example.folder / "emulator_override.tf").write_text(provider)
        example.run(*terraform.init)
        example.run("apply", "-auto-approve", "-input=false", "-no-color", variables=at.variables)
        functions = {each["FunctionName"] for each in at.client("lambda").list_functions()["Functions"]}
        self.assertEqual(functions, {"dow-guard", "orders"})

    def test_the_memory_outlives_the_stack(self):
        at = emulator.Emulator()
        self.addCleanup(at.stop)
        deploy_template(at, LEAST)
        at.client("cloudformation").delete_stack(StackName="dow-guard")
        deadline = time.monotonic() + 60
        while at.client("lambda").list_functions()["Functions"] and time.monotonic() < deadline:
            time.sleep(0.25)
        self.assertEqual(at.client("lambda").list_functions()["Functions"], [])
        self.assertEqual(at.client("dynamodb").list_tables()["TableNames"], ["dow-guard"])

    def test_the_emulator_refuses_nonsense_in_the_words_of_the_template(self):
        at = emulator.Emulator()
        self.addCleanup(at.stop)
        stacks, body, refused = at.client("cloudformation"), json.dumps(test_template.plain()), 0
        limits = cfn.load(test_template.SAM)["Parameters"]
        for given, _ in test_template.NONSENSE:
            (name, value), *more = given.items() or [("Nothing", "")]
            # Rules, patterns over lists and what is missing are for CloudFormation itself; see test_template.
            if more or name not in limits or (name, str(value)) in (("Armed", "true"), ("Dashboard", "true")):
                continue
            parameters = [{"ParameterKey": key, "ParameterValue": str(each)} for key, each in {**LEAST, **given}.items()]
            with self.subTest(given=str(given)[:80]), self.assertRaises(stacks.exceptions.ClientError):
                stacks.create_stack(StackName="dow-guard", TemplateBody=body, Capabilities=["CAPABILITY_IAM"], Parameters=parameters)
            refused += 1
        self.assertGreaterEqual(refused, 24)

    def test_the_module_deploys_the_same_as_the_template(self):
        module = self.module(ALL)
        template = self.template(ALL)
        # The emulator gives topics of a template no key.
        template["topics"] = {name: keys(ALL)[name.rsplit(":", 1)[1]] for name in template["topics"]}
        for subject in template:
            self.assertEqual(module[subject], template[subject], subject)


if __name__ == "__main__":
    unittest.main()
