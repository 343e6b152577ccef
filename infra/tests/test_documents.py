"""The references under docs/ say what the code says, and the runbook knows every message."""

import csv
import io
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree

import cfn

ROOT = cfn.INFRA.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))
import attack  # noqa: E402
import generate  # noqa: E402


def cells(name: str) -> list:
    """The first cell of every row of a document's tables."""
    return re.findall(r"^\| `([^`]+)` \|", (DOCS / name).read_text(), re.M)


class References(unittest.TestCase):
    def test_every_reference_is_what_the_command_writes(self):
        for name, write in generate.DOCUMENTS.items():
            with self.subTest(name):
                self.assertEqual((DOCS / name).read_text(), write(), "run: python3 docs/generate.py")

    def test_every_key_of_the_schema_has_its_row(self):
        schema = (ROOT / "infra/policy/schema.json").read_text()
        keys = re.findall(r'^ {8,12}"(\w+)": \{$', schema, re.M)
        known = {key for key in keys if key not in ("properties", "items", "default", "additionalProperties")}
        self.assertGreater(len(known), 30)
        self.assertEqual(known - set(cells("policy.md")) - {"scope"}, set())

    def test_every_metric_and_every_scenario_is_there(self):
        names = re.findall(r'metric\(\s*"(\w+)"', (ROOT / "guard-fn/src/emf.rs").read_text())
        self.assertEqual(cells("metrics.md"), names)
        files = sorted(path.stem for path in (ROOT / "simulator/scenarios").glob("*.toml"))
        self.assertEqual(re.findall(r"^## (.+)$", (DOCS / "scenarios.md").read_text(), re.M), files)
        self.assertIn(f"there are {len(files)} to begin with", " ".join((ROOT / "README.md").read_text().split()))

    def test_a_property_is_told_without_what_its_columns_say(self):
        words = "Minutes, 5 to 10,080. Default 7."
        value = {"type": "integer", "minimum": 5, "maximum": 10080, "description": words}
        self.assertEqual(generate.kind_and_range({}, value), ("whole number", "5 to 10,080"))
        self.assertEqual(generate.meaning(value, "5 to 10,080"), "Minutes.")
        amount = {"exclusiveMinimum": 0, "maximum": 9, "description": "Dollars, or more."}
        self.assertEqual(generate.kind_and_range({}, amount), ("dollars", "above 0 and up to 9"))
        self.assertEqual(generate.meaning({"description": "A, b or c."}, ""), "A, b or c.")


class Picture(unittest.TestCase):
    def test_the_picture_is_drawn_from_the_data(self):
        drawn = attack.draw(attack.DATA.read_text())
        self.assertEqual(attack.PICTURE.read_text(), drawn, "run: python3 docs/attack.py")
        self.assertIn("](docs/attack.svg)", (ROOT / "README.md").read_text())

    def test_the_attack_and_the_budget_are_the_scenarios(self):
        scenario = (ROOT / "simulator/scenarios/botnet-flood.toml").read_text()
        flood = scenario.split('name = "botnet"')[1]
        since, lasts = (int(re.search(rf"^{key} = (\d+)$", flood, re.M)[1]) for key in ("from_min", "for_min"))
        self.assertEqual((attack.FROM_MIN, attack.UNTIL_MIN), (since, since + lasts))
        self.assertEqual(attack.BUDGET_USD, int(re.search(r"^usd = (\d+)$", scenario, re.M)[1]))

    def test_every_run_is_drawn_within_the_picture_and_told_in_dollars(self):
        drawn = ElementTree.fromstring(attack.PICTURE.read_text())
        tag = "{http://www.w3.org/2000/svg}"
        lines = drawn.findall(f"{tag}polyline")
        self.assertEqual(len(lines), 5)
        for line in lines:
            for point in line.get("points").split():
                x, y = map(float, point.split(","))
                self.assertTrue(attack.LEFT <= x <= attack.RIGHT and 0 <= y <= 500, point)
        words = " ".join(text.text for text in drawn.findall(f"{tag}text"))
        for run, name, _ in attack.RUNS:
            rows = [row for row in csv.DictReader(io.StringIO(attack.DATA.read_text())) if row["run"] == run]
            self.assertLess(abs(float(rows[-1]["spent_usd"]) - float(re.search(rf"{name} \$([\d.]+)", words)[1])), 0.01)

    def test_data_are_rows_of_the_table_untouched(self):
        table = "run,minute,at,x,spent_usd,cap,legitimate_offered,legitimate_served\n"
        table += "".join(f"with,{minute},t{minute},9,{minute}.5,,3,2\n" for minute in range(6))
        taken = attack.take(table).splitlines()
        self.assertEqual(taken, [",".join(attack.COLUMNS)] + [f"with,{at},t{at},{at}.5,,3,2" for at in (0, 4, 5)])


class Links(unittest.TestCase):
    def test_every_link_leads_to_a_file_and_a_heading_of_it(self):
        files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", cfn.INFRA / "README.md", *sorted(DOCS.glob("*.md"))]
        followed = 0
        for file in files:
            for link in re.findall(r"\]\(([^)\s]+)\)", file.read_text()):
                if "://" in link:
                    continue
                path, _, heading = link.partition("#")
                target = (file.parent / path).resolve() if path else file
                followed += 1
                with self.subTest(file=file.name, link=link):
                    self.assertTrue(target.exists())
                    if heading:
                        self.assertIn(heading, [anchor(line) for line in headings(target.read_text())])
        self.assertGreater(followed, 20)


def headings(text: str) -> list:
    return re.findall(r"^#+ (.+)$", text, re.M)


def anchor(heading: str) -> str:
    """The name of a heading in a link, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class Runbook(unittest.TestCase):
    def test_every_word_that_a_subject_begins_with_has_its_section(self):
        source = (ROOT / "guard-core/src/alert/facts.rs").read_text()
        words = set(re.findall(r'NoticeKind::[^"\n]+=> "([A-Z ]+)",', source))
        self.assertGreater(len(words), 12)
        found = re.findall(r"^### ([A-Z ,]+)$", (DOCS / "runbook.md").read_text(), re.M)
        self.assertEqual(words, {word for heading in found for word in heading.split(", ")})


if __name__ == "__main__":
    unittest.main()
