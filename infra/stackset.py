#!/usr/bin/env python3
"""The template of sam/ with its package from a bucket of each region: python3 infra/stackset.py > dow-guard.yaml

For CloudFormation without SAM, and for StackSets. In each region the bucket is PackageBucket, a hyphen and the region.
"""

import sys
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent / "sam" / "template.yaml"
LOCAL = "      Code: ../../target/lambda/guard-fn/bootstrap.zip\n"
BUCKET = """\
      Code:
        S3Bucket: !Sub ${PackageBucket}-${AWS::Region}
        S3Key: !Ref PackageKey
"""
PARAMETERS = """\
  PackageBucket:
    Type: String
    Description: First part of the name of the bucket with the package; a hyphen and the region follow.
    AllowedPattern: "[a-z0-9][a-z0-9.-]{1,40}"
    ConstraintDescription: "PackageBucket: the name of a bucket without the hyphen and the region at its end."
  PackageKey:
    Type: String
    Default: dow-guard-arm64.zip
    Description: Key of the package in the bucket. Another version under another key is an upgrade.
    AllowedPattern: "[A-Za-z0-9/_.-]{1,200}"
    ConstraintDescription: "PackageKey: the key of the package in the bucket."
"""


def written() -> str:
    """The template with the package from a bucket."""
    text = TEMPLATE.read_text()
    for place, by in ((LOCAL, BUCKET), ("\nParameters:\n", "\nParameters:\n" + PARAMETERS)):
        if text.count(place) != 1:
            raise ValueError(f"{TEMPLATE.name} has {place.strip()} {text.count(place)} times, not once")
        text = text.replace(place, by)
    return text


if __name__ == "__main__":
    sys.stdout.write(written())
