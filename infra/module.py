#!/usr/bin/env python3
"""Writes the tables of inputs and outputs into terraform/README.md: python3 infra/module.py"""

import re
from pathlib import Path

MODULE = Path(__file__).resolve().parent / "terraform"


def blocks(name: str, kind: str) -> list:
    """The blocks of a kind in a file as `terraform fmt` leaves it: (name, {argument of the first level: value})."""
    found = []
    for title, body in re.findall(rf'(?ms)^{kind} "(\w+)" {{\n(.*?)^}}$', (MODULE / name).read_text()):
        found.append((title, dict(re.findall(r"(?m)^  (\w+) += (.*)$", body))))
    return found


def plain(text: str) -> str:
    return text.strip('"').replace('\\"', '"').replace("|", "\\|")


def tables() -> str:
    lines = ["## Inputs", "", "| name | what it is | type | default |", "|---|---|---|---|"]
    for name, has in blocks("variables.tf", "variable"):
        default = f"`{has['default']}`" if "default" in has else "must be given"
        lines.append(f"| `{name}` | {plain(has['description'])} | `{has['type']}` | {default} |")
    lines += ["", "## Outputs", "", "| name | what it is |", "|---|---|"]
    lines += [f"| `{name}` | {plain(has['description'])} |" for name, has in blocks("outputs.tf", "output")]
    return "\n".join(lines) + "\n\n"


def written(text: str) -> str:
    """A README with its tables as they should be."""
    begin, end = text.index("## Inputs\n"), text.index("## How it is checked")
    return text[:begin] + tables() + text[end:]


if __name__ == "__main__":
    readme = MODULE / "README.md"
    readme.write_text(written(readme.read_text()))
