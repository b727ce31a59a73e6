"""tfcert's verdict on a plan that repoints, from the backend's bundle, matches a real server that
is called with both key pairs.
"""

from __future__ import annotations

import json

import pytest
import starting
from callers import C, Listener, free_port, is_let_in
from starting import serve

S = "aws_api_gateway_stage"
# The certificates in each bundle, in their order.
BUNDLES = {
    "old only": ("old",),
    "old, new": ("old", "new"),
    "new, old": ("new", "old"),
    "new only": ("new",),
    "third": ("third",),
    "third, old, new": ("third", "old", "new"),
    "ended, new": ("expired", "new"),
    "ended, new, old": ("expired", "new", "old"),
}
MAIN = f"""resource "{C}" "old" {{
}}

# tfcert: succeeds {C}.old
resource "{C}" "new" {{
}}

resource "{S}" "live" {{
  rest_api_id           = "api1"
  deployment_id         = "d"
  stage_name            = "live"
  client_certificate_id = {C}.new.id
}}
"""
SERVERS = {"nginx": starting.nginx, "haproxy": starting.haproxy, "envoy": starting.envoy}


def recorded(certificates):
    """Return a plan that moves the stage from the old to the new certificate, in the form of `show
    -json`.
    """

    def resource(kind, name, values):
        return {
            "address": f"{kind}.{name}",
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "schema_version": 0,
            "values": values,
            "sensitive_values": {},
        }

    pairs = [
        (
            C,
            name,
            {
                "id": f"{name}000",
                "pem_encoded_certificate": (certificates / f"{name}.pem").read_text(),
                "arn": f"arn:aws:apigateway:us-east-1::/clientcertificates/{name}000",
            },
        )
        for name in ("old", "new")
    ]

    def stage(shown):
        return {
            "id": "ags-api1-live",
            "rest_api_id": "api1",
            "stage_name": "live",
            "deployment_id": "d",
            "client_certificate_id": shown,
            "arn": "arn:aws:apigateway:us-east-1::/restapis/api1/stages/live",
        }

    before = [*pairs, (S, "live", stage("old000"))]
    after = [*pairs, (S, "live", stage("new000"))]
    changes = [
        {
            "address": f"{kind}.{name}",
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "change": {
                "actions": ["no-op"] if was == becomes else ["update"],
                "before": was,
                "after": becomes,
                "after_unknown": {},
                "before_sensitive": {},
                "after_sensitive": {},
            },
        }
        for (kind, name, was), (_, _, becomes) in zip(before, after, strict=True)
    ]

    def values(resources):
        return {"root_module": {"resources": [resource(*each) for each in resources]}}

    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": values(after),
        "resource_changes": changes,
        "prior_state": {
            "format_version": "1.0",
            "terraform_version": "1.11.4",
            "values": values(before),
        },
        "configuration": {"root_module": {}},
        "complete": True,
        "errored": False,
    }


@pytest.fixture
def root(tmp_path, certificates):
    """Write the configuration after repoint, its plan, and a file for each bundle."""
    (tmp_path / "main.tf").write_text(MAIN)
    (tmp_path / "plan.json").write_text(json.dumps(recorded(certificates)))
    for number, names in enumerate(BUNDLES.values()):
        text = "".join((certificates / f"{name}.pem").read_text() for name in names)
        (tmp_path / f"{number}.pem").write_text(text)
    return tmp_path


def said(tfcert, root, server, bundle):
    """Return tfcert's verdicts on the successor and the predecessor, and whether it reports an
    error.
    """
    (root / "tfcert.toml").write_text(
        f'[trust.backends.orders]\nstages = "{S}.live"\nserver = "{server}"\n'
    )
    option = ("--trust-file", f"orders={bundle}")
    done = tfcert("check", "plan.json", "--offline", *option, "--format", "json", cwd=root)
    assert done.returncode in {0, 1}, done.stderr
    document = json.loads(done.stdout)
    (rotation,) = document["rotations"]
    (evidence,) = rotation["trust"]
    refused = [each for each in document["findings"] if each["rule"] == "trust-missing"]
    assert (done.returncode == 1) == bool(refused)
    return evidence["status"], evidence["predecessor"], bool(refused)


@pytest.mark.parametrize("server", SERVERS)
def test_a_repoint_that_is_said_to_be_safe_breaks_no_call_and_an_unsafe_one_does(
    tfcert, root, certificates, program, kits, tmp_path, server
):
    """tfcert confirms a certificate exactly where the real server accepts it, for each plain bundle
    and each pinned kit.
    """
    found = program(server)
    folder = tmp_path / server
    folder.mkdir()
    pinned = kits(server)

    def make():
        plain = {
            name: Listener(bundle=root / f"{number}.pem", kit=None, port=free_port())
            for number, name in enumerate(BUNDLES)
        }
        return plain | {
            f"pinned {name}": Listener(bundle=None, kit=pinned[name], port=free_port())
            for name in ("old", "new", "old, new")
        }

    accepted = serve(
        lambda listeners: SERVERS[server](found, certificates, folder, listeners),
        make,
        folder,
        lambda listener: {
            name for name in ("old", "new") if is_let_in(listener.port, certificates, name)
        },
    )
    files = {name: f"{number}.pem" for number, name in enumerate(BUNDLES)}
    verdicts = {}
    for name, let in accepted.items():
        kind = "pinned" if name.startswith("pinned ") else server
        same = {"old": "old only", "new": "new only", "old, new": "old, new"}
        file = files[same[name.removeprefix("pinned ")] if kind == "pinned" else name]
        new, old, is_error = said(tfcert, root, kind, file)
        words = {True: "confirmed", False: "refused"}
        assert (new, old) == (words["new" in let], words["old" in let]), (name, let)
        assert is_error == ("new" not in let), (name, let)
        verdicts[name] = (new, old)
    assert ("confirmed", "confirmed") in verdicts.values()
    assert ("refused", "confirmed") in verdicts.values()
    assert ("refused", "refused") in verdicts.values()
    assert verdicts["old, new"] == ("refused", "confirmed"), "the trap"
