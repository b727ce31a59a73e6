"""A stand-in for the AWS CLI, as far as a manual rotation needs it, by AWS's own service models.

A wrong operation or option is an error. Source: the AWS CLI's user guide, "Command structure",
"Shorthand syntax" and "Filter output"; tried against the AWS CLI 1.45.
"""

from __future__ import annotations

import json
import sys

import jmespath
from botocore import xform_name
from botocore.session import get_session


def main(arguments):
    """Make the call that the arguments name, and print the part of the answer that
    --query selects.
    """
    service, operation, *rest = arguments
    options = dict(_options(rest))
    query, output = options.pop("query", None), options.pop("output", "json")
    client = get_session().create_client(service, region_name=options.pop("region"))
    name = operation.replace("-", "_")
    shape = client.meta.service_model.operation_model(
        client.meta.method_to_api_mapping[name]
    ).input_shape
    members = {
        xform_name(member).replace("_", "-"): member
        for member in (shape.members if shape is not None else ())
    }
    answer = getattr(client, name)(
        **{
            members[option]: _shorthand(text) if option == "patch-operations" else text
            for option, text in options.items()
        }
    )
    answer.pop("ResponseMetadata", None)
    found = jmespath.search(query, answer) if query else answer
    if output == "text":
        text = "\t".join(found) if isinstance(found, list) else str(found)
        sys.stdout.write(f"{text}\n")
    elif found:
        sys.stdout.write(f"{json.dumps(found, default=str)}\n")


def _options(words):
    words = list(words)
    while words:
        word = words.pop(0)
        assert word.startswith("--"), word
        option, joined, text = word[2:].partition("=")
        yield option, text if joined else words.pop(0)


def _shorthand(text):
    return [dict(pair.split("=", 1) for pair in text.split(","))]


main(sys.argv[1:])
