"""The dashboard and the alarms ask for what the guard writes, and the picture is the dashboard's."""

import copy
import json
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree

import cfn

sys.path.insert(0, str(cfn.INFRA))
import dashboard  # noqa: E402

EMF = cfn.INFRA.parent / "guard-fn" / "src" / "emf.rs"
# Metrics of Lambda itself ("Types of metrics for Lambda functions", read 2026-11) that cost nothing.
LAMBDA = {"Invocations", "Errors", "Duration", "Throttles", "ConcurrentExecutions"}
PLACES = {"Guard": ["Stage"], "Budget": ["Budget", "Stage"]}


def written() -> dict:
    """Every metric that the guard writes, and its dimensions."""
    found = re.findall(r'metric\(\s*"(\w+)",\s*"\w+",\s*Scope::(\w+),', EMF.read_text())
    return {name: PLACES[scope] for name, scope in found}


def asked_by_dashboard() -> list:
    """Namespace, metric and dimensions of every line of every widget."""
    found = []
    for widget in json.loads(dashboard.DASHBOARD.read_text())["widgets"]:
        for line in widget["properties"].get("metrics", []):
            if "expression" in line[0]:
                namespace, *dimensions = re.search(r"\{([\w,]+)\}", line[0]["expression"])[1].split(",")
                found.append((namespace, dashboard.asked(line, 60)[0], sorted(dimensions)))
            else:
                found.append((line[0], line[1], sorted(line[2:-1:2])))
    return found


def asked_by_alarms() -> list:
    resources = cfn.load(cfn.INFRA / "sam" / "template.yaml")["Resources"].values()
    alarms = [resource["Properties"] for resource in resources if resource["Type"] == "AWS::CloudWatch::Alarm"]
    return [
        (alarm["Namespace"], alarm["MetricName"], sorted(each["Name"] for each in alarm.get("Dimensions", [])))
        for alarm in alarms
    ]


class Dashboard(unittest.TestCase):
    def test_every_metric_that_is_asked_for_is_one_that_the_guard_or_lambda_writes(self):
        metrics = written()
        self.assertEqual(len(metrics), 12, metrics)
        asked = asked_by_dashboard() + asked_by_alarms()
        self.assertGreaterEqual(len(asked), 22)
        for namespace, name, dimensions in asked:
            with self.subTest(name):
                if namespace == "DowGuard":
                    self.assertEqual(metrics.get(name), dimensions)
                else:
                    self.assertEqual(namespace, "AWS/Lambda")
                    self.assertIn(name, LAMBDA)
                    self.assertIn(dimensions, ([], ["FunctionName"]))

    def test_everything_an_owner_looks_for_is_on_it(self):
        shown = {name for _, name, _ in asked_by_dashboard()}
        self.assertLessEqual(
            {"Spent", "Amount", "Projected", "BurnPerHour", "RepeatedShare", "CapsInForce", "OwnCost"}, shown
        )

    def test_the_log_is_asked_for_fields_that_the_guard_writes(self):
        source = (cfn.INFRA.parent / "guard-fn" / "src" / "log_line.rs").read_text()
        query = json.loads(dashboard.DASHBOARD.read_text())["widgets"][-1]["properties"]["query"]
        for field in re.search(r"\| fields (.*?) \|", query)[1].split(", ")[1:]:
            self.assertIn(f"pub {field}:", source)

    def test_the_picture_is_what_the_command_draws(self):
        drawn = dashboard.draw(json.loads(dashboard.DASHBOARD.read_text()), json.loads(dashboard.DATA.read_text()))
        self.assertEqual(drawn, dashboard.PICTURE.read_text(), "python3 infra/dashboard.py draws it again")

    def test_the_data_are_in_the_form_in_which_they_are_taken(self):
        data = json.loads(dashboard.DATA.read_text())
        self.assertEqual(dashboard.packed(data), dashboard.DATA.read_text())
        names = set(data["metrics"])
        self.assertEqual(names, {name for _, name, _ in asked_by_dashboard()})

    def test_the_picture_has_every_widget_every_line_and_every_label(self):
        page = ElementTree.fromstring(dashboard.PICTURE.read_text())
        space = "{http://www.w3.org/2000/svg}"
        groups = page.findall(f"{space}g")
        widgets = json.loads(dashboard.DASHBOARD.read_text())["widgets"]
        self.assertEqual(
            [group.find(f"{space}title").text for group in groups], [w["properties"]["title"] for w in widgets]
        )
        for group, widget in zip(groups, widgets, strict=True):
            said = [text.text for text in group.findall(f"{space}text")]
            self.assertIn(widget["properties"]["title"], said, "a title that does not fit is cut in CloudWatch too")
            for line in widget["properties"].get("metrics", []):
                self.assertIn(line[-1]["label"], said)
            drawn = len(group.findall(f"{space}polyline")) + len(group.findall(f"{space}circle"))
            self.assertEqual(drawn, len(widget["properties"].get("metrics", [])))

    def test_both_pictures_are_whole_and_shown(self):
        shown = re.findall(r"!\[[^]]+\]\((\S+)\)", (cfn.INFRA / "README.md").read_text())
        self.assertEqual(shown, ["../docs/architecture.svg", "../docs/dashboard.svg"])
        for name in shown:
            page = ElementTree.fromstring((cfn.INFRA / name).read_text())
            self.assertIn("prefers-color-scheme: dark", "".join(page.itertext()), name)

    def test_a_widget_that_is_changed_changes_the_picture(self):
        data = json.loads(dashboard.DATA.read_text())
        whole = json.loads(dashboard.DASHBOARD.read_text())
        other = copy.deepcopy(whole)
        line = other["widgets"][0]["properties"]["metrics"][0][0]
        line["expression"] = line["expression"].replace("Spent", "Projected")
        self.assertNotEqual(dashboard.draw(whole, data), dashboard.draw(other, data))
        line["expression"] = line["expression"].replace("Projected", "Nothing")
        with self.assertRaises(KeyError):
            dashboard.draw(other, data)

    def test_what_is_taken_from_a_replay_is_what_its_rows_and_ticks_say(self):
        def row(minute, seen, cap=None):
            return {"minute": minute, "seen": seen, "projected": {"expected": "9"}, "cap": cap}

        def tick(minute, spent, repeated, freshness, actions=()):
            record = {
                "amount": "15",
                "spent": {"expected": spent},
                "repeated": {"expected": repeated},
                "burn_per_hour": "3",
            }
            plan = {"armed": True, "budgets": [{**record, "freshness": {"is": freshness}}], "refusals": [{}]}
            changes = "; ".join(actions)
            return {"minute": minute, "plan": {**plan, "actions": list(actions)}, "changes": changes}

        changes = ["f: retries 2 → 0", "f: reserved concurrency none → 11"]
        rows = [row(0, "1"), row(1, "2"), row(2, "3", 11), {"minute": 3, "seen": None}]
        ticks = [tick(0, "1", "0", "fresh"), tick(2, "3", "1", "unknown", changes)]
        run = {"rows": rows, "ticks": ticks, "minutes": 3, "bill": {"guard": str(3 * dashboard.GUARD_USD + 0.6)}}
        data = dashboard.take({"with": run, "start": "2026-11-04T08:00:00Z", "title": "Three minutes"})
        metrics = data["metrics"]
        self.assertEqual(metrics["Spent"], [[0, 1], [1, 2], [2, 3]])
        self.assertEqual(metrics["RepeatedShare"], [[0, 0], [1, 25], [2, 33.333333]])
        self.assertEqual(metrics["BurnPerHour"], [[0, 3], [2, 3]])
        self.assertEqual(metrics["CapsInForce"], [[0, 0], [1, 0], [2, 1]])
        self.assertEqual((metrics["Actions"][-1], metrics["Refusals"][0]), ([2, 2], [0, 1]))
        self.assertEqual((metrics["MetricAge"], metrics["Blind"]), ([[0, 180], [1, 180]], [[0, 0], [1, 0], [2, 1]]))
        self.assertEqual(metrics["OwnCost"], [[0, 0.2], [1, 0.2], [2, 0.2]])
        row = {"@timestamp": "2026-11-04 08:02:00", "armed": True, "changes": "; ".join(changes)}
        self.assertEqual(data["log"], [row])

    def test_a_metric_is_put_into_periods_as_cloudwatch_does(self):
        points = [[0, 1], [1, 3], [4, 2], [5, 7]]
        self.assertEqual(dashboard.series(points, "Maximum", 300), [(0, 3), (5, 7)])
        self.assertEqual(dashboard.series(points, "Sum", 300), [(0, 6), (5, 7)])
        self.assertEqual(dashboard.series(points, "Average", 300), [(0, 2), (5, 7)])
        self.assertEqual(dashboard.series(points, "Sum", 86400), [(0, 13)])


if __name__ == "__main__":
    unittest.main()
