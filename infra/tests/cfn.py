"""A template as CloudFormation reads it: YAML with short tags, parameters with their limits, rules, conditions, values.

Only what our templates use; anything else is an error, so that a check never passes because it was not understood.
"""

import re
from pathlib import Path

import yaml

INFRA = Path(__file__).resolve().parent.parent
PLACE = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "dow-guard",
}
NOTHING = object()


class Loader(yaml.SafeLoader):
    """YAML as CloudFormation writes it."""


def _tag(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


Loader.add_multi_constructor("!", _tag)


def load(path: Path) -> dict:
    return parsed(path.read_text())


def parsed(text: str) -> dict:
    return yaml.load(text, Loader)


def refusals(template: dict, given: dict) -> list:
    """What CloudFormation says to these parameters, as far as it needs no account: limits, then rules."""
    said, values = [], {}
    for name, limits in template["Parameters"].items():
        value = given.get(name, limits.get("Default"))
        if value is None:
            said.append(f"Parameters: [{name}] must have values")
            continue
        values[name] = value
        entries = str(value).split(",") if limits["Type"] == "CommaDelimitedList" else [str(value)]
        is_short = len(str(value)) <= limits.get("MaxLength", 1 << 20)
        if not is_short or not all(_accepted(limits, entry.strip()) for entry in entries):
            said.append(f"Parameter '{name}': {limits.get('ConstraintDescription', '(no word on what is accepted)')}")
    if unknown := sorted(set(given) - set(template["Parameters"])):
        said.append(f"Parameters: {unknown} do not exist in the template")
    if said:
        return said
    stack = Stack(template, values)
    for rule in template.get("Rules", {}).values():
        if stack.holds(rule["RuleCondition"]):
            said += [a["AssertDescription"] for a in rule["Assertions"] if not stack.holds(a["Assert"])]
    return said


def _accepted(limits: dict, text: str) -> bool:
    if "AllowedValues" in limits and text not in [str(value) for value in limits["AllowedValues"]]:
        return False
    if "AllowedPattern" in limits and not re.fullmatch(limits["AllowedPattern"], text):
        return False
    if limits["Type"] == "Number":
        try:
            number = float(text)
        except ValueError:
            return False
        return limits.get("MinValue", number) <= number <= limits.get("MaxValue", number)
    return True


class Stack:
    """A template with its parameters put in: which resources there are, and what they hold."""

    def __init__(self, template: dict, given: dict):
        self.template = template
        self.values = {name: given.get(name, p.get("Default")) for name, p in template["Parameters"].items()}

    def resources(self) -> dict:
        found = {}
        for name, resource in self.template["Resources"].items():
            if "Condition" not in resource or self.holds({"Condition": resource["Condition"]}):
                found[name] = dict(resource, Properties=self.value(resource.get("Properties", {})))
        return found

    def holds(self, condition) -> bool:
        (name, inner), = condition.items()
        if name == "Condition":
            return self.holds(self.template["Conditions"][inner])
        if name == "Fn::Not":
            return not self.holds(inner[0])
        if name == "Fn::And":
            return all(self.holds(each) for each in inner)
        if name == "Fn::Equals":
            left, right = (self.value(each) for each in inner)
            return str(left) == str(right)
        raise ValueError(f"condition {name} is not known here")

    def value(self, found):
        if isinstance(found, list):
            return [value for value in map(self.value, found) if value is not NOTHING]
        if not isinstance(found, dict):
            return found
        if len(found) == 1:
            (name, inner), = found.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._function(name, inner)
        values = {key: self.value(value) for key, value in found.items()}
        return {key: value for key, value in values.items() if value is not NOTHING}

    def _function(self, name, inner):
        if name == "Ref":
            return self._ref(inner)
        if name == "Fn::GetAtt":
            return self._attribute(*inner)
        if name == "Fn::If":
            return self.value(inner[1] if self.holds({"Condition": inner[0]}) else inner[2])
        if name == "Fn::Select":
            return self.value(inner[1])[inner[0]]
        if name == "Fn::Join":
            return inner[0].join(self.value(inner[1]))
        if name == "Fn::Split":
            return self.value(inner[1]).split(inner[0])
        if name == "Fn::FindInMap":
            table, first, second = (self.value(each) for each in inner)
            return self.template["Mappings"][table][str(first)][str(second)]
        if name == "Fn::Sub":
            text, own = (inner, {}) if isinstance(inner, str) else inner
            own = {key: self.value(value) for key, value in own.items()}

            def replaced(match):
                word = match[1]
                if word in own:
                    return str(own[word])
                return str(self._attribute(*word.split(".", 1)) if "." in word else self._ref(word))

            return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", replaced, text)
        raise ValueError(f"function {name} is not known here")

    def _ref(self, name):
        if name == "AWS::NoValue":
            return NOTHING
        if name in PLACE:
            return PLACE[name]
        if name in self.values:
            value = self.values[name]
            if self.template["Parameters"][name]["Type"] == "CommaDelimitedList":
                return str(value).split(",")
            return value
        kind = self.template["Resources"][name]["Type"]
        properties = self.template["Resources"][name].get("Properties", {})
        if kind == "AWS::SNS::Topic":
            return self._arn("sns", self.value(properties["TopicName"]))
        named = {
            "AWS::DynamoDB::Table": "TableName",
            "AWS::SSM::Parameter": "Name",
            "AWS::Lambda::Function": "FunctionName",
            "AWS::Logs::LogGroup": "LogGroupName",
        }
        return self.value(properties[named[kind]]) if kind in named else name

    def _attribute(self, name, attribute):
        resource = self.template["Resources"][name]
        kind, properties = resource["Type"], resource.get("Properties", {})
        if attribute != "Arn":
            raise ValueError(f"attribute {name}.{attribute} is not known here")
        if kind == "AWS::Lambda::Function":
            return self._arn("lambda", f"function:{self.value(properties['FunctionName'])}")
        if kind == "AWS::DynamoDB::Table":
            return self._arn("dynamodb", f"table/{self.value(properties['TableName'])}")
        if kind == "AWS::Events::Rule":
            return self._arn("events", f"rule/{self.value(properties['Name'])}")
        return f"arn:aws:iam::{PLACE['AWS::AccountId']}:role/{name}"

    def _arn(self, service, rest):
        return f"arn:aws:{service}:{PLACE['AWS::Region']}:{PLACE['AWS::AccountId']}:{rest}"
