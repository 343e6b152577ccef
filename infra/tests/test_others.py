"""The templates for chat, many accounts and sweeps, deployed into the emulator as far as it knows their resources.

What it does not know is named here, and is refused by it as expected: the day it knows more, this test says so.
"""

import io
import json
import time
import unittest
import zipfile

import cfn
import emulator

# Kinds of resources of which the emulator's CloudFormation knows nothing.
UNKNOWN = ("AWS::Chatbot::", "AWS::Oam::", "AWS::Batch::")
ACCOUNT = "000000000000"
TEMPLATES = {
    "chat/slack.yaml": {
        "ChatTopicArn": f"arn:aws:sns:eu-central-1:{ACCOUNT}:dow-guard-chat",
        "SlackWorkspaceId": "T0123456789",
        "SlackChannelId": "C0123456789",
    },
    "organization/central.yaml": {
        "OrganizationId": "o-a1b2c3d4e5",
        "MemberAccountIds": ACCOUNT,
        "Email": "ops@example.org",
    },
    "organization/member.yaml": {
        "CentralAccountId": ACCOUNT,
        "SinkArn": f"arn:aws:oam:eu-central-1:{ACCOUNT}:sink/12345678-1234-1234-1234-123456789012",
    },
    "sweep/batch.yaml": {
        "Image": "registry.example.org/dowsim:0.1.0",
        "SubnetIds": "subnet-0a1b2c3d",
        "SecurityGroupIds": "sg-0a1b2c3d",
    },
}
GUARD = """
import datetime
def handler(event, context):
    last = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=AGE)
    return {'answer': event['command'], 'armed': False, 'last_tick': f'{last:%FT%TZ}', 'spent': {'account': '1.50'}, 'alarms': []}
"""


def parts(name: str) -> tuple:
    """A template as far as the emulator knows it, and the names of what was left out."""
    template = cfn.load(cfn.INFRA / name)
    unknown = {each for each, resource in template["Resources"].items() if resource["Type"].startswith(UNKNOWN)}

    def refers(found) -> bool:
        if isinstance(found, dict):
            return (
                found.get("Ref") in unknown
                or found.get("Fn::GetAtt", [""])[0] in unknown
                or any(map(refers, found.values()))
            )
        return isinstance(found, list) and any(map(refers, found))

    kept = {each: resource for each, resource in template["Resources"].items() if each not in unknown}
    if depends := [each for each, resource in kept.items() if refers(resource)]:
        raise AssertionError(f"{name}: {depends} cannot be without {unknown}")
    outputs = {each: output for each, output in template.get("Outputs", {}).items() if not refers(output)}
    return {**template, "Resources": kept, "Outputs": outputs}, unknown


class Others(unittest.TestCase):
    def setUp(self):
        self.at = emulator.Emulator()
        self.addCleanup(self.at.stop)

    def deploy(self, name: str, template: dict) -> dict:
        stacks, stack = self.at.client("cloudformation"), name.split("/")[1].removesuffix(".yaml")
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in TEMPLATES[name].items()]
        stacks.create_stack(
            StackName=stack,
            TemplateBody=json.dumps({**template, "Outputs": template["Outputs"] or {"None": {"Value": "-"}}}),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=parameters,
        )
        for _ in range(240):
            found = stacks.describe_stacks(StackName=stack)["Stacks"][0]
            if not found["StackStatus"].endswith("IN_PROGRESS"):
                break
            time.sleep(0.25)
        if found["StackStatus"] != "CREATE_COMPLETE":
            events = stacks.describe_stack_events(StackName=stack)["StackEvents"]
            raise AssertionError(
                [event.get("ResourceStatusReason") for event in events if "FAILED" in event["ResourceStatus"]]
            )
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def policy(self, role: str) -> list:
        """All statements of a role."""
        iam, found = self.at.client("iam"), []
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            found.append(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            if attached["PolicyArn"].split(":")[4] == ACCOUNT:
                version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
                document = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)["PolicyVersion"][
                    "Document"
                ]
                found.append(document)
        return [statement for document in found for statement in document["Statement"]]

    def role(self, stack: str, name: str) -> str:
        resources = self.at.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        return next(resource["PhysicalResourceId"] for resource in resources if resource["LogicalResourceId"] == name)

    def test_what_the_emulator_does_not_know_it_refuses_by_name(self):
        for name in TEMPLATES:
            _, unknown = parts(name)
            template = cfn.load(cfn.INFRA / name)
            with self.subTest(name), self.assertRaisesRegex(
                (AssertionError, self.at.client("cloudformation").exceptions.ClientError),
                "(?i)(unsupported|unrecognized) resource type",
            ):
                self.deploy(name, {**template, "Outputs": {}})
            self.assertTrue(unknown, name)

    def test_a_chat_channel_may_come_in_by_its_own_door_and_no_other(self):
        template, unknown = parts("chat/slack.yaml")
        self.assertEqual(unknown, {"Channel", "Release", "Explain"})
        self.deploy("chat/slack.yaml", template)
        (statement,) = self.policy(self.role("slack", "ChannelRole"))
        self.assertEqual((statement["Effect"], statement["Action"]), ("Allow", "lambda:InvokeFunction"))
        self.assertEqual(statement["Resource"], f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:dow-guard:chat")

    def test_the_central_account_asks_every_guard_and_writes_a_page_that_people_read(self):
        central, unknown = parts("organization/central.yaml")
        self.assertEqual(unknown, {"Sink"})
        outputs = self.deploy("organization/central.yaml", central)
        member, unknown = parts("organization/member.yaml")
        self.assertEqual(unknown, {"Link"})
        self.deploy("organization/member.yaml", member)
        (statement,) = self.policy("dow-guard-operator-eu-central-1")
        self.assertEqual(statement["Action"], "lambda:InvokeFunction")
        self.assertEqual(statement["Resource"], f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:dow-guard:ask")
        queue = self.at.client("sqs").create_queue(QueueName="told")["QueueUrl"]
        arn = self.at.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.at.client("sns").subscribe(TopicArn=outputs["WatchTopicArn"], Protocol="sqs", Endpoint=arn)
        for age, state, silent in ((1, "watches", []), (60, "**LATE**", [ACCOUNT])):
            self.member(age)
            self.assertEqual(self.asked(), {"page": "dow-guard-organization", "silent": silent, "guards": 1})
            self.assertIn(f"| {ACCOUNT} | {state} |", self.page())
            self.assertIn("| account $1.50 |", self.page())
            self.at.client("lambda").delete_function(FunctionName="dow-guard")
        self.assertEqual(self.asked()["silent"], [ACCOUNT])
        self.assertIn(f"| {ACCOUNT} | **SILENT** ", self.page())
        self.assertIn("## 0 of 1 guards watch eu-central-1", self.page())
        told = [self.at.client("sqs").receive_message(QueueUrl=queue).get("Messages", []) for _ in range(3)]
        told = [json.loads(message["Body"])["Message"] for messages in told for message in messages]
        self.assertEqual(len(told), 2, told)
        self.assertIn(f"No guard watches eu-central-1 of {ACCOUNT}", told[0])
        may = {str(each["Action"]): each["Resource"] for each in self.policy("dow-guard-fan-in-eu-central-1")}
        self.assertEqual(set(may), {"sts:AssumeRole", "lambda:InvokeFunction"})
        self.assertTrue(may["lambda:InvokeFunction"].endswith(":function:dow-guard-status-page"))

    def test_a_company_with_a_sink_of_its_own_makes_none(self):
        sink = TEMPLATES["organization/member.yaml"]["SinkArn"]
        template = cfn.load(cfn.INFRA / "organization" / "central.yaml")
        self.assertNotIn("Sink", cfn.Stack(template, {"ExistingSinkArn": sink}).resources())
        self.assertIn("Sink", cfn.Stack(template, {}).resources())

    def member(self, age: int):
        """A guard whose last tick is so many minutes old."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.py", GUARD.replace("AGE", str(age)))
        self.at.client("lambda").create_function(
            FunctionName="dow-guard",
            Runtime="python3.12",
            Handler="index.handler",
            Code={"ZipFile": package.getvalue()},
            Role=f"arn:aws:iam::{ACCOUNT}:role/any",
        )
        self.at.client("lambda").create_alias(FunctionName="dow-guard", Name="ask", FunctionVersion="$LATEST")

    def page(self) -> str:
        body = self.at.client("cloudwatch").get_dashboard(DashboardName="dow-guard-organization")["DashboardBody"]
        (widget,) = json.loads(body)["widgets"]
        return widget["properties"]["markdown"]

    def asked(self) -> dict:
        """What comes of one run of the fan-in, which the schedule begins every night."""
        schedule, machines = self.at.client("scheduler").get_schedule(Name="dow-guard-fan-in"), self.at.client(
            "stepfunctions"
        )
        run = machines.start_execution(stateMachineArn=schedule["Target"]["Arn"])["executionArn"]
        for _ in range(480):
            found = machines.describe_execution(executionArn=run)
            if found["status"] != "RUNNING":
                break
            time.sleep(0.25)
        self.assertEqual(found["status"], "SUCCEEDED", found)
        return json.loads(found["output"])

    def test_a_sweep_may_read_and_write_its_tables_and_nothing_else(self):
        template, unknown = parts("sweep/batch.yaml")
        self.assertEqual(unknown, {"Machines", "Queue", "Shard", "Merge"})
        outputs = self.deploy("sweep/batch.yaml", template)
        (statement,) = self.policy(self.role("batch", "JobRole"))
        self.assertEqual(statement["Action"], ["s3:GetObject", "s3:PutObject"])
        self.assertEqual(statement["Resource"], f"arn:aws:s3:::{outputs['TablesBucket']}/*")


if __name__ == "__main__":
    unittest.main()
