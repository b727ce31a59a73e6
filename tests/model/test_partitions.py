"""The partitions of AWS, compared with botocore's list."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from checker.model.places import home_region, partition_of_region

PARTITIONS = json.loads(files("botocore").joinpath("data/partitions.json").read_text("utf-8"))[
    "partitions"
]


@pytest.mark.parametrize("partition", PARTITIONS, ids=lambda each: each["id"])
def test_every_region_of_botocore_is_in_its_partition(partition):
    """Each region of botocore belongs to its partition, without the global pseudo-regions."""
    regions = [name for name in partition["regions"] if not name.endswith("-global")]
    assert regions
    assert {partition_of_region(name) for name in regions} == {partition["id"]}
    assert home_region(partition["id"]) in regions


def test_without_a_partition_the_home_is_that_of_aws():
    """Without a known partition, the home region is us-east-1."""
    assert (home_region(None), home_region("aws")) == ("us-east-1", "us-east-1")
