"""The Terraform module: parsed everywhere, and formatted, validated and tested where there is a terraform."""

import glob
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import hcl2

import cfn

sys.path.insert(0, str(cfn.INFRA))
import module  # noqa: E402

MODULE = cfn.INFRA / "terraform"
WORK = cfn.INFRA.parent / "target" / "infra"
# Where plugins of a machine without a network are kept by custom; the first that has the provider is taken.
MIRRORS = ["~/.terraform.d/plugins", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "/opt/*"]
# SAM's word for a resource, and Terraform's.
KINDS = {
    "AWS::Lambda::Function": "aws_lambda_function",
    "Custom::DowGuardLeaving": "aws_lambda_invocation",
    "AWS::Lambda::Alias": "aws_lambda_alias",
    "AWS::Lambda::EventInvokeConfig": "aws_lambda_function_event_invoke_config",
    "AWS::Lambda::Permission": "aws_lambda_permission",
    "AWS::Logs::LogGroup": "aws_cloudwatch_log_group",
    "AWS::IAM::Role": "aws_iam_role",
    "AWS::Scheduler::Schedule": "aws_scheduler_schedule",
    "AWS::DynamoDB::Table": "aws_dynamodb_table",
    "AWS::SSM::Parameter": "aws_ssm_parameter",
    "AWS::SNS::Topic": "aws_sns_topic",
    "AWS::SNS::TopicPolicy": "aws_sns_topic_policy",
    "AWS::SNS::Subscription": "aws_sns_topic_subscription",
    "AWS::CloudWatch::Alarm": "aws_cloudwatch_metric_alarm",
    "AWS::CloudWatch::Dashboard": "aws_cloudwatch_dashboard",
    "AWS::Events::Rule": "aws_cloudwatch_event_rule",
}
# What one flavour has and the other says otherwise.
ONLY_MODULE = {"package": "SAM has CodeUri", "tags": "sam deploy --tags", "deletion_protection": "SAM retains the table"}
PARTS = {"aws_iam_role_policy": "policies of a role", "aws_cloudwatch_event_target": "targets of a rule"}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def plain(found):
    """A parsed document without the quotes and marks that python-hcl2 keeps."""
    if isinstance(found, dict):
        return {plain(key): plain(value) for key, value in found.items() if not key.startswith("__")}
    if isinstance(found, list):
        return [plain(value) for value in found]
    if isinstance(found, str) and len(found) > 1 and found[0] == found[-1] == '"':
        return found[1:-1]
    return found


def parsed(folder: Path) -> dict:
    blocks = {}
    for path in sorted(folder.glob("*.tf")):
        for kind, found in plain(hcl2.loads(path.read_text())).items():
            blocks.setdefault(kind, []).extend(found)
    return blocks


class Terraform:
    """A copy of the module, ready to run where there is a terraform with its provider."""

    def __init__(self, folder: Path, init: tuple = ()):
        self.folder = folder
        self.init = init

    @classmethod
    def ready(cls, test: unittest.TestCase, work: Path) -> "Terraform":
        if not shutil.which("terraform"):
            test.skipTest("no terraform here: the module is parsed and compared, not run")
        shutil.rmtree(work, ignore_errors=True)
        # The folder alone, as a registry or a vendored copy has it.
        shutil.copytree(MODULE, work / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        mirrors = [Path(found) for pattern in MIRRORS for found in sorted(glob.glob(os.path.expanduser(pattern)))]
        mirrors = [mirror for mirror in mirrors if any(mirror.glob("*/hashicorp/aws"))]
        plugins = [f"-plugin-dir={mirror}" for mirror in mirrors[:1]]
        made = cls(work / "terraform", ("init", "-backend=false", "-input=false", "-no-color", *plugins))
        done = made.attempt(*made.init)
        if done.returncode != 0:
            test.skipTest("terraform is here, its AWS provider cannot be had")
        return made

    def attempt(self, *words, variables=os.environ):
        clean = {key: value for key, value in variables.items() if key not in ("TF_CLI_CONFIG_FILE", "TF_DATA_DIR")}
        clean["CHECKPOINT_DISABLE"] = "1"
        return subprocess.run(["terraform", *words], cwd=self.folder, env=clean, capture_output=True, text=True)

    def run(self, *words, variables=os.environ) -> str:
        done = self.attempt(*words, variables=variables)
        if done.returncode != 0:
            raise AssertionError(f"terraform {words[0]}: {done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout


class Module(unittest.TestCase):
    def test_it_has_the_same_resources_as_the_template(self):
        template = cfn.load(cfn.INFRA / "sam" / "template.yaml")["Resources"].values()
        wanted = {}
        for resource in template:
            kind = KINDS[resource["Type"]]
            # One policy document for three topics there is three here, in one block.
            wanted[kind] = wanted.get(kind, 0) + 1
        found = {}
        for block in parsed(MODULE)["resource"]:
            (kind, _), = block.items()
            found[kind] = found.get(kind, 0) + 1
        self.assertEqual({kind: count for kind, count in found.items() if kind not in PARTS}, wanted)

    def test_its_variables_are_the_parameters_with_the_same_defaults_and_words(self):
        parameters = cfn.load(cfn.INFRA / "sam" / "template.yaml")["Parameters"]
        variables = {name: body for block in parsed(MODULE)["variable"] for name, body in block.items()}
        self.assertEqual(set(variables) - set(ONLY_MODULE), set(map(snake, parameters)))
        for parameter, limits in parameters.items():
            variable = variables[snake(parameter)]
            default = limits.get("Default")
            if isinstance(default, str) and default in ("true", "false"):
                default = default == "true"
            if variable["type"].strip("${}") == "list(string)":
                default = []
            self.assertEqual(variable.get("default"), default, parameter)
            is_bool = variable["type"].strip("${}") == "bool"
            if not is_bool:
                words = variable["validation"][-1]["error_message"]
                self.assertTrue(words.startswith(f"{snake(parameter)}:"), words)
                if parameter not in ("GuardedFunctionArns", "PolicyText", "SubnetIds", "SecurityGroupIds"):
                    self.assertEqual(words.split(":", 1)[1], limits["ConstraintDescription"].split(":", 1)[1])

    def test_every_variable_and_output_is_described(self):
        blocks = parsed(MODULE)
        for kind in ("variable", "output"):
            for block in blocks[kind]:
                for name, body in block.items():
                    self.assertTrue(body.get("description", "").strip(), name)

    def test_its_outputs_are_those_of_the_template(self):
        outputs = {name for block in parsed(MODULE)["output"] for name in block}
        self.assertEqual(outputs, set(map(snake, cfn.load(cfn.INFRA / "sam" / "template.yaml")["Outputs"])))

    def test_nonsense_is_tested_for_every_variable_that_can_be_wrong(self):
        failures = re.findall(r"expect_failures = \[(.*)\]", (MODULE / "tests" / "variables.tftest.hcl").read_text())
        tested = set(re.findall(r"var\.(\w+)", " ".join(failures)))
        variables = {name: body for block in parsed(MODULE)["variable"] for name, body in block.items()}
        can_be_wrong = {name for name, body in variables.items() if "validation" in body}
        self.assertEqual(can_be_wrong - tested, set())

    def test_examples_name_only_what_the_module_has(self):
        variables = {name for block in parsed(MODULE)["variable"] for name in block}
        outputs = {name for block in parsed(MODULE)["output"] for name in block}
        for folder in sorted((MODULE / "examples").iterdir()):
            blocks = parsed(folder)
            module = blocks["module"][0]["dow_guard"]
            self.assertLessEqual(set(module) - {"source"}, variables, folder.name)
            used = set(re.findall(r"module\.dow_guard\.(\w+)", (folder / "main.tf").read_text()))
            self.assertLessEqual(used, outputs, folder.name)

    def test_it_is_formatted(self):
        if not shutil.which("terraform"):
            self.skipTest("no terraform here: the module is parsed and compared, not run")
        done = Terraform(MODULE).attempt("fmt", "-check", "-recursive", "-diff")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_it_validates_and_so_do_its_examples(self):
        terraform = Terraform.ready(self, WORK / "validated" / "infra")
        terraform.run("validate", "-no-color")
        package = WORK / "validated" / "target" / "lambda" / "guard-fn" / "bootstrap.zip"
        package.parent.mkdir(parents=True, exist_ok=True)
        package.write_bytes(b"")
        for folder in sorted((terraform.folder / "examples").iterdir()):
            example = Terraform(folder)
            example.run(*terraform.init)
            example.run("validate", "-no-color")

    def test_it_is_used_by_absolute_path_and_from_git(self):
        terraform = Terraform.ready(self, WORK / "sourced")
        repository = WORK / "sourced" / "repository"
        shutil.copytree(terraform.folder, repository / "infra" / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
        git = ["git", "-C", repository, "-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
        for words in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "--message", "module"]):
            subprocess.run([*git, *words], check=True, capture_output=True)
        (WORK / "sourced" / "package.zip").write_bytes(b"")
        for number, source in enumerate((terraform.folder, f"git::file://{repository}//infra/terraform?ref=main")):
            user = Terraform(WORK / "sourced" / f"user{number}")
            user.folder.mkdir()
            call = f'module "guard" {{\n  source = "{source}"\n  package = "../package.zip"\n  monthly_budget_usd = 400\n}}\n'
            (user.folder / "main.tf").write_text(call)
            user.run(*terraform.init)
            user.run("validate", "-no-color")

    def test_its_readme_has_every_input_and_output(self):
        text = (MODULE / "README.md").read_text()
        self.assertEqual(text, module.written(text), "run: python3 infra/module.py")
        self.assertEqual(text.count("\n| `"), len(re.findall(r"(?m)^(variable|output) ", "".join(
            (MODULE / name).read_text() for name in ("variables.tf", "outputs.tf")))))

    def test_nothing_of_a_run_lands_in_the_repository(self):
        ignored = (cfn.INFRA.parent / ".gitignore").read_text().splitlines()
        for line in (".terraform/", "*.tfstate", "*.tfstate.*", "/samconfig.toml", "/dow-guard.yaml"):
            self.assertIn(line, ignored)

    def test_its_own_tests_pass(self):
        terraform = Terraform.ready(self, WORK / "tested")
        out = terraform.run("test", "-no-color")
        passed, failed = map(int, re.search(r"(\d+) passed, (\d+) failed", out).groups())
        self.assertEqual(failed, 0, out)
        self.assertGreaterEqual(passed, 33)
