"""What the guard itself costs, and that the README says what the script computes."""

import re
import sys
import unittest

import cfn

sys.path.insert(0, str(cfn.INFRA))
import cost  # noqa: E402


def of_template(**given) -> dict:
    """What the deployed template is billed by."""
    stack = cfn.Stack(cfn.load(cfn.INFRA / "sam" / "template.yaml"), {"MonthlyBudgetUsd": 400, **given})
    resources = stack.resources()
    guard = resources["Guard"]["Properties"]
    rate = resources["Schedule"]["Properties"]["ScheduleExpression"]
    return {
        "alarms": sum(resource["Type"] == "AWS::CloudWatch::Alarm" for resource in resources.values()),
        "tick_minutes": int(re.search(r"\d+", rate)[0]),
        "metrics": guard["Environment"]["Variables"]["DOW_GUARD_METRICS"],
        "dashboard": "DashboardOfSpend" in resources,
        "architecture": guard["Architectures"][0],
        "memory_mb": guard["MemorySize"],
    }


class Cost(unittest.TestCase):
    def test_as_installed_it_is_under_six_dollars_at_a_thousand_functions(self):
        self.assertLess(sum(cost.month(1_000, **of_template()).values()), 6.00)

    def test_the_script_assumes_what_the_template_deploys(self):
        for count in cost.FUNCTIONS:
            self.assertEqual(cost.month(count), cost.month(count, **of_template()))
        everything = of_template(Metrics="all", Dashboard="true")
        self.assertEqual(cost.month(10, metrics="all", alarms=4, dashboard=True), cost.month(10, **everything))

    def test_the_readme_has_the_table(self):
        readme = (cfn.INFRA / "README.md").read_text()
        self.assertIn(cost.table({count: cost.month(count) for count in cost.FUNCTIONS}), readme)
        for line in cost.options():
            self.assertIn(f"{line}.", " ".join(readme.split()))

    def test_what_can_be_asked_for_costs_what_it_says(self):
        one, ten = (cost.month(100, metrics="all", budgets=budgets) for budgets in (1, 10))
        # Nine budgets more have five metrics each, and a longer line in the log.
        self.assertAlmostEqual(ten["custom metrics"] - one["custom metrics"], 9 * 5 * 0.30)
        self.assertAlmostEqual(ten["log"] - one["log"], 9 * 43_200 * 0.71e-6 * (0.50 + 0.0045))
        self.assertAlmostEqual(cost.month(100, advanced=True)["advanced parameter"], 0.05 + 8_640 * 0.05 / 10_000)
        self.assertAlmostEqual(cost.month(100, keys=1)["own keys"], 1 + 17_280 * 0.03 / 10_000)
        self.assertAlmostEqual(cost.month(100, zones=1)["endpoints of a VPC"], 28.80)

    def test_the_region_costs_what_the_core_says(self):
        # sampling::own_cost_of_month: three metrics a minute for 30 days are $1.296; a function's part of the census is
        # 0.12 cents; together with looks at single functions $5, or $3 per 1,000 functions.
        items = cost.month(1)
        self.assertAlmostEqual(items["metrics read, region"], 1.296)
        self.assertAlmostEqual(items["metrics read, census"], 0.0012)
        for functions, most in [(1, 5.00), (1_000, 5.00), (10_000, 30.00)]:
            items = cost.month(functions).items()
            self.assertAlmostEqual(sum(dollars for item, dollars in items if item.startswith("metrics read")), most)

    def test_metrics_are_counted_where_they_are_defined(self):
        self.assertEqual([cost.custom_metrics(which) for which in ("none", "guard", "all")], [0, 7, 12])
