#!/usr/bin/env python3
"""Writes the references that are made from what they describe, and draws attack.svg: python3 docs/generate.py

policy.md from infra/policy/schema.json, scenarios.md and scenario-format.md from simulator/scenarios, metrics.md from
guard-fn/src/emf.rs.
infra/tests/test_documents.py writes them again and compares.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

sys.dont_write_bytecode = True
import attack  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MADE = "Written by `python3 docs/generate.py` from {}: change that, not this.\n"


def table(head: list, rows: list) -> str:
    """A Markdown table; a bar within a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


# ---- policy


def resolved(schema: dict, value: dict) -> dict:
    """A property with what it refers to; what it says itself counts."""
    inner = next((each for each in value.get("anyOf", []) if "$ref" in each), value)
    if "$ref" in inner:
        return {**schema["$defs"][inner["$ref"].removeprefix("#/$defs/")], **value}
    return value


def number(value) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def kind_and_range(schema: dict, value: dict) -> tuple:
    """Type and accepted values of a property, in words."""
    if "oneOf" in value:
        return "text", ", ".join(f'`"{each["const"]}"`' for each in value["oneOf"])
    kinds = value.get("type", "dollars")
    kind = next(each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null")
    if kind == "array":
        inner, accepted = kind_and_range(schema, resolved(schema, value["items"]))
        return f"list of {inner}", accepted
    kind = {"integer": "whole number", "boolean": "true or false", "string": "text", "object": "table"}.get(kind, kind)
    low = number(value["minimum"]) if "minimum" in value else None
    if "exclusiveMinimum" in value:
        return kind, f"above {number(value['exclusiveMinimum'])} and up to {number(value['maximum'])}"
    if low is not None and "maximum" in value:
        high = number(value["maximum"])
        return kind, low if low == high else f"{low} to {high}"
    return kind, f"`{value['pattern']}`" if "pattern" in value else ""


def meaning(value: dict, accepted: str) -> str:
    """What a property says of itself, without what the other columns say; values that are words are told one by one."""
    words = " ".join(value["description"].split())
    words = re.sub(r" Default [^ ]+(, \d+)*\.$", "", words)
    words = words.replace(f", {accepted}", "") if accepted else words
    choices = (f'`{each["const"]}`: {each["description"]}' for each in value.get("oneOf", []))
    return " ".join([words, *choices])


def is_table(schema: dict, value: dict) -> bool:
    return "properties" in resolved(schema, value.get("items", value))


def rows_of(schema: dict, of: dict) -> list:
    rows = []
    for key, raw in of["properties"].items():
        if is_table(schema, raw):
            continue
        value = resolved(schema, raw)
        kind, accepted = kind_and_range(schema, value)
        needed = "needed" if key in of.get("required", []) else ""
        default = f"`{json.dumps(raw['default'])}`" if "default" in raw else needed
        rows.append([f"`{key}`", kind, accepted, default, meaning(value, accepted)])
    return rows


def tables_of(schema: dict, of: dict, prefix: str = "") -> list:
    """Every table below a table: its heading, what it is, its rows."""
    found = []
    for key, raw in of["properties"].items():
        if not is_table(schema, raw):
            continue
        inner = resolved(schema, raw.get("items", raw))
        name = f"{prefix}{key}"
        heading = f"[[{name}]]" if "items" in raw else f"[{name}]"
        found.append((heading, " ".join(raw["description"].split()), rows_of(schema, inner)))
        found += tables_of(schema, inner, f"{name}.")
    return found


def tags() -> list:
    """The tags by which the owner of a function restrains the guard, out of the code that reads them."""
    source = (ROOT / "guard-core/src/policy/overrides.rs").read_text()
    fields = source.split("pub struct FunctionOverrides {")[1].split("\n}")[0]
    told = re.findall(r"((?: +///.*\n)+) +pub ", fields)
    rows = []
    for comment in told:
        words = " ".join(line.strip().removeprefix("///").strip() for line in comment.splitlines())
        tag, text = words.split(": ", 1)
        rows.append([tag, text[0].upper() + text[1:]])
    return rows


def policy() -> str:
    schema = json.loads((ROOT / "infra/policy/schema.json").read_text())
    head = ["key", "type", "accepted", "default", "meaning"]
    parts = [
        "# Policy\n",
        MADE.format("`infra/policy/schema.json`"),
        "A policy is a TOML file. A key that is not listed here is refused, with its line and the nearest that is.\n"
        "`infra/policy/minimal.toml` and `infra/policy/complete.toml` are policies to begin with;\n"
        "`guard-fn policy check infra/policy/complete.toml` says what one means before it is trusted.\n",
        "## The top of the file\n",
        " ".join(schema["description"].split()) + "\n",
        table(head, rows_of(schema, schema)),
    ]
    for heading, words, rows in tables_of(schema, schema):
        parts += [f"## `{heading}`\n", words + "\n", table(head, rows)]
    parts += [
        "## Tags of a function\n",
        "Owners of functions restrain the guard without touching the policy. A tag that cannot be read is reported\n"
        "and left out, except that what looks like a wish for protection protects. Until its tags were read for the\n"
        "first time, a function is not touched.\n",
        table(["tag", "meaning"], tags()),
    ]
    return "\n".join(parts)


# ---- scenarios


def scenarios() -> str:
    parts = []
    for path in sorted((ROOT / "simulator/scenarios").glob("*.toml"), key=lambda path: path.stem):
        read = tomllib.loads(path.read_text())
        attacked = any(actor.get("kind") == "attack" for actor in read.get("traffic", []))
        functions = len(read.get("function", []))
        size = f"{functions} function{'' if functions == 1 else 's'}" if functions else "recorded functions"
        facts = f"{size}, {read['minutes'] / 60:g} h, {'attacked' if attacked else 'nobody attacks'}"
        parts.append(
            f"## {path.stem}\n\n**{read['title']}** ({facts})\n\n{read['story'].strip()}\n\n"
            f"Source: {' '.join(read['source'].split())}\n"
        )
    head = (
        "# Scenarios\n\n"
        + MADE.format("`simulator/scenarios/*.toml`")
        + f"\nThe {len(parts)} incidents, real days, and things that go wrong that come with `dowsim`. Any of them is\n"
        "replayed by its name, such as `dowsim replay redos`. What the model does and by which document:\n"
        "`simulator/MODEL.md`. How the guard does in each of them: [scorecard.md](scorecard.md).\n"
    )
    return "\n".join([head, *parts])


# ---- the format of a scenario


def laws(value: dict) -> str:
    """The choices of a value that is one of several tables, each with its keys."""
    told = []
    for each in value["oneOf"]:
        keys = [key for key in each["properties"] if key != "law"]
        asked = ", ".join(f"`{key}`" + ("" if key in each["required"] else " (optional)") for key in keys) or "nothing more"
        told.append(f'`"{each["properties"]["law"]["const"]}"`: {" ".join(each["description"].split())} With {asked}.')
    return " ".join(told)


def scenario_format() -> str:
    schema = json.loads((ROOT / "simulator/scenario.schema.json").read_text())
    del schema["properties"]["policy"]
    rate = schema["$defs"]["Rate"]
    rate.update(description=f"{rate['description']} Its `law` is one of: {laws(rate)}", type="object")
    del rate["oneOf"]
    head = ["key", "type", "accepted", "default", "meaning"]
    parts = [
        "# The format of a scenario\n",
        MADE.format("`simulator/scenario.schema.json`"),
        "A scenario is a TOML file. A key that is not listed here is refused, with its line. `dowsim scenarios --show redos`\n"
        "prints one to begin with, and `dowsim scenarios --schema` the schema for an editor, which a line\n"
        "`#:schema schema.json` at the top of the file names.\n",
        "`policy` is a table with the keys of a policy: [policy.md](policy.md). Without it nothing is guarded, and without\n"
        "`policy.armed = true` nothing is changed.\n",
        "## The top of the file\n",
        table(head, rows_of(schema, schema)),
    ]
    for heading, words, rows in tables_of(schema, schema):
        parts += [f"## `{heading}`\n", words + "\n", table(head, rows)]
    return "\n".join(parts)


# ---- metrics


def metrics() -> str:
    source = (ROOT / "guard-fn/src/emf.rs").read_text()
    listed = source.split("pub const METRICS", 1)[1].split("\n];")[0]
    found = re.findall(r'metric\(\s*"(\w+)",\s*"(\w+)",\s*Scope::(\w+),\s*"([^"]+)",?\s*\)', listed)
    if len(found) != listed.count("metric("):
        raise SystemExit("guard-fn/src/emf.rs: the table of metrics is not as this reads it")
    pager = (ROOT / "guard-core/src/alert/pager.rs").read_text()
    namespace = re.search(r'NAMESPACE: &str = "(\w+)"', pager)[1]
    price = re.search(r"USD_PER_METRIC_MONTH: Usd = Usd::from_picos\(([\d_]+)\)", source)[1]
    price = int(price.replace("_", "")) / 1e12
    places = {"Guard": "`Stage`", "Budget": "`Stage`, `Budget`"}
    guard, budget = (sum(scope == each for _, _, scope, _ in found) for each in places)
    rows = [[f"`{name}`", unit, places[scope], meaning] for name, unit, scope, meaning in found]
    return "\n".join(
        [
            "# Metrics\n",
            MADE.format("`guard-fn/src/emf.rs`"),
            f"A tick writes these into its log in CloudWatch's embedded format, namespace `{namespace}`, if `Metrics`\n"
            "of the template says so (`none` as installed; `guard`; `all`). CloudWatch knows no unit of money:\n"
            "dollars are `None`, and of a budget counted in invocations they are `Count`. Functions have no metrics\n"
            "of their own.\n",
            f'A custom metric is ${price:.2f} a month ("Amazon CloudWatch pricing", us-east-1, read 2026-11): the\n'
            f"guard's {guard} are ${guard * price:.2f}, each budget's {budget} ${budget * price:.2f}.\n",
            table(["metric", "unit", "dimensions", "meaning"], rows),
            "The dashboard asks for them: `infra/dashboard.json`.\n",
        ]
    )


DOCUMENTS = {
    "policy.md": policy,
    "scenario-format.md": scenario_format,
    "scenarios.md": scenarios,
    "metrics.md": metrics,
}


def main() -> int:
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    for name, write in DOCUMENTS.items():
        (HERE / name).write_text(write())
    return attack.main()


if __name__ == "__main__":
    sys.exit(main())
