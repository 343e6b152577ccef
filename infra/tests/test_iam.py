"""Permissions: the files, the template and the code that asks say the same."""

import json
import os
import re
import unittest
from pathlib import Path

import cfn

SETS = {path.stem: path for path in sorted((cfn.INFRA / "iam").glob("*.json"))}
# Where the calls are. Another tree can be named to check adapters that are not merged yet.
SOURCES = Path(os.environ.get("GUARD_SOURCES", cfn.INFRA.parent / "guard-fn" / "src"))
FUNCTIONS = "arn:aws:lambda:eu-central-1:123456789012:function:orders-*,arn:aws:lambda:eu-central-1:123456789012:function:mail"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CHANGES = re.compile(r"lambda:(Put|Delete|Update|Create|Add|Remove|Publish|Tag|Untag|Invoke)")
# Needed by Lambda and SNS on the guard's behalf; the guard itself never asks for them.
NOT_ASKED = {"logs:CreateLogStream", "logs:PutLogEvents", "kms:Decrypt", "kms:GenerateDataKey", "lambda:InvokeFunction"}
# A fake of the service, and what other people's resource policies say.
NOT_CALLS = {"fake.rs", "invokers.rs"}
SERVICES = ("cloudwatch", "dynamodb", "lambda", "sns", "ssm")


def document(name: str, **places) -> dict:
    """A permission set with its places filled in."""
    arn = "arn:aws:{}:eu-central-1:123456789012:{}".format
    known = {
        "Partition": "aws", "Region": "eu-central-1", "Account": "123456789012", "Suffix": "amazonaws.com",
        "Guard": "dow-guard", "TableArn": arn("dynamodb", "table/dow-guard"), "PeopleTopic": arn("sns", "dow-guard-people"),
        "ChatTopic": arn("sns", "dow-guard-chat"), "PagerTopic": arn("sns", "dow-guard-pager"), "TopicKeyArn": KEY,
        "KeyArn": KEY, "PolicyParameter": "/dow-guard/policy", "Functions": FUNCTIONS.replace(",", '","'),
        "Aliases": FUNCTIONS.replace(",", ':*","') + ":*", **places,
    }
    return json.loads(re.sub(r"\$\{(\w+)\}", lambda match: known[match[1]], SETS[name].read_text()))


def actions(of: dict) -> set:
    found = set()
    for statement in of["Statement"]:
        listed = statement["Action"]
        found |= {listed} if isinstance(listed, str) else set(listed)
    return found


def in_template(**given) -> dict:
    """Policies of both roles in the template, by name."""
    found = {}
    for resource in cfn.Stack(cfn.load(cfn.INFRA / "sam" / "template.yaml"), {"MonthlyBudgetUsd": 400, **given}).resources().values():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Role":
            found |= {policy["PolicyName"]: policy["PolicyDocument"] for policy in properties["Policies"]}
        if resource["Type"] == "AWS::IAM::RolePolicy":
            found[properties["PolicyName"]] = properties["PolicyDocument"]
    return found


class Permissions(unittest.TestCase):
    def test_the_template_has_the_sets_word_for_word(self):
        by_tag = in_template(Permissions="act", TopicKeyArn=KEY, KeyArn=KEY, SubnetIds="subnet-0a1b2c3d", SecurityGroupIds="sg-0a1b2c3d")
        by_list = in_template(Permissions="act", GuardedFunctionArns=FUNCTIONS)
        found = {**by_list, **by_tag}
        self.assertEqual(set(found), set(SETS))
        for name in SETS:
            self.assertEqual(found[name], document(name), name)

    def test_the_module_reads_every_set(self):
        text = "".join(path.read_text() for path in (cfn.INFRA / "terraform").glob("*.tf"))
        self.assertEqual(set(re.findall(r"module\}/iam/([a-z-]+)\.json", text)), set(SETS))

    def test_read_only_has_no_permission_to_change_a_function(self):
        found = in_template()
        self.assertNotIn("act-by-tag", found)
        self.assertNotIn("act-by-list", found)
        allowed = {action for name, policy in found.items() if name not in ("not-itself", "invoke") for action in actions(policy)}
        self.assertFalse([action for action in allowed if CHANGES.match(action)])

    def test_a_list_takes_the_place_of_the_tag(self):
        found = in_template(Permissions="act", GuardedFunctionArns=FUNCTIONS)
        self.assertIn("act-by-list", found)
        self.assertNotIn("act-by-tag", found)

    def test_whatever_changes_a_function_is_narrowed_and_denied_on_the_guard(self):
        denied = actions(document("not-itself"))
        for name in ("act-by-tag", "act-by-list"):
            policy = document(name)
            self.assertEqual(actions(policy), denied)
            for statement in policy["Statement"]:
                is_narrow = "Condition" in statement or "*" not in statement["Resource"]
                self.assertTrue(is_narrow, statement["Sid"])
        self.assertTrue(all(statement["Effect"] == "Deny" for statement in document("not-itself")["Statement"]))

    def test_no_action_is_a_pattern(self):
        for name in SETS:
            self.assertFalse([action for action in actions(document(name)) if "*" in action], name)

    def test_what_the_guard_asks_is_what_it_may_ask(self):
        texts = {path: path.read_text() for path in sorted(SOURCES.glob("aws/**/*.rs")) if "test" not in str(path.relative_to(SOURCES)) and path.name not in NOT_CALLS}
        asked = set()
        for text in texts.values():
            code = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("//"))
            asked |= set(re.findall(r'"((?:%s):[A-Z]\w+)"' % "|".join(SERVICES), code))
        present = {action.split(":")[0] for action in asked}
        if missing := sorted(set(SERVICES) - present):
            if not present:
                self.skipTest("no adapter of the guard is in this tree yet")
            print(f"infra: no adapter asks {', '.join(missing)} yet")
        allowed = {action for name in SETS for action in actions(document(name))} - NOT_ASKED
        allowed = {action for action in allowed if action.split(":")[0] in present}
        # Tags come with GetFunction, for those who may list them; no call of that name is made.
        self.assertEqual(asked | ({"lambda:ListTags"} & allowed), allowed)


class Environment(unittest.TestCase):
    def test_what_is_set_is_what_is_read(self):
        documented = set(re.findall(r"`(DOW_GUARD_\w+)`", (SOURCES / "config.rs").read_text()))
        resources = cfn.Stack(cfn.load(cfn.INFRA / "sam" / "template.yaml"), {"MonthlyBudgetUsd": 400}).resources()
        variables = set(resources["Guard"]["Properties"]["Environment"]["Variables"])
        # The policy in the environment excludes the one in SSM.
        self.assertEqual(variables, documented - {"DOW_GUARD_POLICY"})
