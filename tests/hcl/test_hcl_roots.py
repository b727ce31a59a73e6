"""Finding root modules below a folder, and module calls without a parser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import bounded, lay

from checker.hcl.configuration import literal_string, plain_calls
from checker.hcl.roots import find_roots
from checker.hcl.syntax import SourceFile

PROVIDER = 'provider "aws" {\n}\n'
BACKEND = 'terraform {\n  backend "s3" {\n  }\n}\n'
STAGE = 'resource "aws_api_gateway_stage" "s" {\n}\n'


def call(source, name="m"):
    """Return the text of a module call."""
    return f'module "{name}" {{\n  source = "{source}"\n}}\n'


def found(folder):
    """Return the found roots by path: whether each is remote and concerns tfcert."""
    return {
        os.path.relpath(root.directory, folder): (root.remote, root.concerned)
        for root in find_roots(str(folder))
    }


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a/main.tf": PROVIDER}, {"a": (False, False)}),
        ({"a/main.tf": BACKEND}, {"a": (True, False)}),
        ({"a/main.tf": "terraform {\n  cloud {\n  }\n}\n"}, {"a": (True, False)}),
        ({"a/main.tf": "locals {\n}\n", "a/.terraform.lock.hcl": ""}, {"a": (False, False)}),
        ({"a/.terraform.lock.hcl": ""}, {}),
        ({"a/main.tf": "locals {\n}\n"}, {}),
        ({"a/main.tf": "# " + PROVIDER.replace("\n", "") + "\n"}, {}),
        ({"a/main.tf.json": '{"provider": {"aws": {}}}'}, {"a": (False, False)}),
        ({"main.tf": PROVIDER + STAGE}, {".": (False, True)}),
        ({"a/main.tofu": PROVIDER + STAGE}, {"a": (False, True)}),
        (
            {"a/main.tf": PROVIDER, "a/b/c/main.tf": PROVIDER},
            {"a": (False, False), "a/b/c": (False, False)},
        ),
        ({".hidden/main.tf": PROVIDER, "a/.terraform/modules/x/main.tf": PROVIDER}, {}),
        # A module that a root calls counts as its own, at any depth.
        (
            {"a/main.tf": PROVIDER + call("../m"), "m/main.tf": call("./n"), "m/n/main.tf": STAGE},
            {"a": (False, True)},
        ),
        (
            {"a/main.tf": PROVIDER + call("../m"), "m/main.tf": "locals {\n}\n"},
            {"a": (False, False)},
        ),
        # A called module with a provider of its own is a root only if it is applied itself.
        ({"a/main.tf": PROVIDER + call("../m"), "m/main.tf": PROVIDER}, {"a": (False, False)}),
        (
            {
                "a/main.tf": PROVIDER + call("../m"),
                "m/main.tf": PROVIDER,
                "m/.terraform.lock.hcl": "",
            },
            {"a": (False, False), "m": (False, False)},
        ),
        # An unread module may contain relevant resources.
        ({"a/main.tf": PROVIDER + call("hashicorp/consul/aws")}, {"a": (False, True)}),
        ({"a/main.tf": PROVIDER + call("../../outside")}, {"a": (False, True)}),
        (
            {"a/main.tf": PROVIDER, "a/m.tf.json": '{"module": {"m": {"source": "x/y/z"}}}'},
            {"a": (False, True)},
        ),
        (
            {"a/main.tf": PROVIDER + 'module "m" { source = "./m" }\n', "a/m/x.tf": STAGE},
            {"a": (False, True)},
        ),
        # The search ends even if modules call each other in a circle.
        ({"a/main.tf": BACKEND + call("../m"), "m/main.tf": call("../a")}, {"a": (True, False)}),
    ],
)
def test_what_is_a_root_and_what_concerns_us(files, expected, tmp_path):
    """A backend, provider or lock file makes a root.

    A stage, certificate or module from elsewhere makes it relevant.
    """
    assert found(lay(tmp_path, files)) == expected


def test_links_are_not_followed(tmp_path):
    """A link to a folder is not followed, so each root is found once."""
    lay(tmp_path, {"a/main.tf": PROVIDER, "elsewhere/main.tf": "locals {\n}\n"})
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert found(tmp_path) == {"a": (False, False)}


def test_what_cannot_be_read_is_said_of_its_folder_and_is_no_gap(tmp_path):
    """An unreadable .tf file is reported for its folder, and other folders are still searched."""
    lay(tmp_path, {"a/main.tf": PROVIDER, "b/locals.tf": "locals {\n}\n"})
    (tmp_path / "b" / "main.tf").symlink_to(tmp_path / "nowhere")
    first, second = find_roots(str(tmp_path))
    assert (Path(first.directory).name, first.unreadable) == ("a", None)
    assert Path(second.directory).name == "b"
    assert second.concerned
    assert "b/main.tf: No such file" in second.unreadable


def by_parser(data):
    """Return the module calls as the parser reads them."""
    body = SourceFile("main.tf", data).body
    return tuple(
        (block.labels[0], literal_string(data, block, "source"))
        for block in body.blocks
        if block.type == "module"
    )


PIECES = st.sampled_from(
    [
        call("./a"),
        call("../b", "n").replace("\n", "\r\n"),
        call("x/y/z", "far").replace("source", "source   "),
        'module "one" { source = "./line" }\n',
        'module "templated" {\n  source = "./${var.x}"\n}\n',
        'module "nested" {\n  source = "./n"\n  x = {\n    source = "./wrong"\n  }\n}\n',
        'module "commented" {\n  # source = "./wrong"\n  source = "./right" # why\n}\n',
        'module "late" {\n  x = [\n    1,\n]\n  source = "./late"\n}\n',
        'module bare {\n  source = "./bare"\n}\n',
        '/*\nmodule "dead" {\n  source = "./dead"\n}\n*/\n',
        '# module "dead" {\n',
        'locals {\n  a = <<EOT\nmodule "text" {\n  source = "./text"\n}\nEOT\n}\n',
        'resource "x" "module" {\n  module = "m"\n}\n',
        "locals {\n  module = 1\n}\n",
        "\n",
    ]
)


@bounded
@given(st.lists(PIECES, max_size=5))
def test_plain_calls_are_what_the_parser_reads_or_nothing(pieces):
    """The calls found without a parser equal the parser's, or the parser is used."""
    data = "".join(pieces).encode()
    plain = plain_calls(data)
    assert plain is None or plain == by_parser(data)


def test_most_calls_are_plain():
    """Module calls in the usual form need no parser."""
    assert plain_calls(
        (call("./a") + call("b/c/d", "n") + "locals {\n  module = 1\n}\n").encode()
    ) == (
        ("m", "./a"),
        ("n", "b/c/d"),
    )


def test_a_fifo_does_not_hold_up_the_search(tmp_path):
    """A FIFO or device among the files is not read, and its folder is reported as unreadable."""
    lay(tmp_path, {"a/main.tf": PROVIDER, "b/main.tf": PROVIDER})
    os.mkfifo(tmp_path / "a" / "x.tf")
    (tmp_path / "b" / "y.tf").symlink_to("/dev/zero")
    roots = find_roots(str(tmp_path))
    assert [root.unreadable and root.unreadable.rpartition(": ")[2] for root in roots] == [
        "is not a regular file"
    ] * 2


def test_a_local_state_makes_a_root(tmp_path):
    """A local state makes a folder a root, and its content makes the root relevant."""
    lay(
        tmp_path,
        {"a/main.tf": "locals {\n}\n", "a/terraform.tfstate": '{"client_certificate_id":"rj3hhn"}'},
    )
    lay(tmp_path, {"b/main.tf": "locals {\n}\n", "b/terraform.tfstate": "{}"})
    assert found(tmp_path) == {"a": (False, True), "b": (False, False)}


def test_the_search_ends_at_its_bound(tmp_path):
    """The search stops at its limit, and the roots nearest to the top come first."""
    lay(tmp_path, {f"{'d/' * depth}main.tf": PROVIDER for depth in range(1, 6)})
    assert [
        os.path.relpath(root.directory, tmp_path) for root in find_roots(str(tmp_path), most=3)
    ] == ["d", "d/d"]
