"""Tests of candidates: which certificates a stage may present after a plan."""

from __future__ import annotations

import time

import pytest
from terraform_json import (
    CERTIFICATE,
    STAGE,
    block,
    call,
    change,
    created,
    moved_to_unknown,
    output,
    plan,
)

C = CERTIFICATE


def refs(path):
    """Return the references that Terraform writes for one: itself and its shorter forms."""
    out, depth = [path], len(path)
    while True:
        depth = max(path.rfind(".", 0, depth), path.rfind("[", 0, depth))
        shorter = path[:depth]
        if shorter.count(".") < 1 + shorter.startswith("module.") - (
            path.startswith(("var.", "module."))
        ):
            return out
        out.append(shorter)


def candidates(read, document):
    return {
        str(change.address): [str(one) for one in change.after.presents.candidates]
        for change in read(document).plan.stages
    }


def resolve(read, document):
    (found,) = candidates(read, document).values()
    return found


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        ([f"{C}.a.id", f"{C}.a"], [f"{C}.a"]),
        ([f"{C}.a"], [f"{C}.a"]),
        ([f"{C}.n[0].id", f"{C}.n[0]", f"{C}.n"], [f"{C}.n[0]"]),
        ([f'{C}.m["k.1"].id', f'{C}.m["k.1"]', f"{C}.m"], [f'{C}.m["k.1"]']),
        ([f'{C}.m["q\\"x"].id', f'{C}.m["q\\"x"]', f"{C}.m"], [f'{C}.m["q\\"x"]']),
        ([f"{C}.n"], [f"{C}.n[0]", f"{C}.n[1]"]),
        ([f"{C}.n[0].id", f"{C}.n[0]", f"{C}.n", f"{C}.n"], [f"{C}.n[0]", f"{C}.n[1]"]),
        (
            [
                "var.region",
                f"{C}.n[0].id",
                f"{C}.n[0]",
                f"{C}.n",
                f"{C}.n[1].id",
                f"{C}.n[1]",
                f"{C}.n",
            ],
            [f"{C}.n[0]", f"{C}.n[1]"],
        ),
        (["var.x", f"{C}.a.id", f"{C}.a", f"{C}.known.id", f"{C}.known"], [f"{C}.a"]),
        (["path.module", "terraform.workspace", f"{C}.a.id", f"{C}.a"], [f"{C}.a"]),
        ([f"{C}.a.id", f"{C}.a", f"{C}.ab.id", f"{C}.ab"], [f"{C}.a", f"{C}.ab"]),
    ],
)
def test_references_in_the_root_module(read, references, expected):
    """A reference in the root module selects its certificates; each branch of a condition is a
    candidate.
    """
    made = [f"{C}.a", f"{C}.ab", f"{C}.n[0]", f"{C}.n[1]", f'{C}.m["k.1"]', f'{C}.m["q\\"x"]']
    root = {"resources": [block(STAGE, "s", {"client_certificate_id": references})]}
    assert (
        resolve(read, plan(*map(created, made), moved_to_unknown(f"{STAGE}.s"), root=root))
        == expected
    )


@pytest.mark.parametrize(
    "references",
    [
        ["local.id"],
        ['local.ids["a"]', "local.ids"],
        ["data.x.y.id", "data.x.y"],
        ["aws_ssm_parameter.p.value", "aws_ssm_parameter.p"],
        ["local.flag", f"{C}.a.id", f"{C}.a"],
        ["not a reference!"],
        [f"{C}.known.id", f"{C}.known"],
        [],
        ["module.none.id", "module.none"],
        [f"{C}.a[x].id"],
        ["var"],
        ["each.value"],
        ['module.m["unclosed'],
        ["..."],
    ],
)
def test_where_the_trail_is_lost_everything_that_is_created_stays(read, references):
    """If a reference cannot be followed, every created certificate is a candidate."""
    root = {"resources": [block(STAGE, "s", {"client_certificate_id": references})]}
    assert resolve(
        read, plan(created(f"{C}.a"), created(f"{C}.b"), moved_to_unknown(f"{STAGE}.s"), root=root)
    ) == [
        f"{C}.a",
        f"{C}.b",
    ]


@pytest.mark.parametrize(
    ("references", "elsewhere"),
    [
        (["local.id"], False),
        (["var.blue", f"{C}.a.id", f"{C}.a", f"{C}.b.id", f"{C}.b"], False),
        (["data.aws_ssm_parameter.p.value", "data.aws_ssm_parameter.p"], True),
        (["aws_ssm_parameter.p.value", "aws_ssm_parameter.p"], True),
        (
            [
                "local.blue",
                "data.aws_ssm_parameter.p.value",
                "data.aws_ssm_parameter.p",
                f"{C}.a.id",
                f"{C}.a",
            ],
            True,
        ),
        (["not a reference!"], True),
        # Values that may be any id: a function such as timestamp(), a variable of the root module,
        # a certificate that is not created.
        ([], True),
        (["var.id"], True),
        ([f"{C}.known.id", f"{C}.known"], True),
    ],
)
def test_what_may_hold_any_id_is_told_from_what_the_configuration_makes(
    read, references, elsewhere
):
    """I4: a value that may have any id is marked, even if the plan creates a certificate."""
    root = {"resources": [block(STAGE, "s", {"client_certificate_id": references})]}
    document = read(
        plan(created(f"{C}.a"), created(f"{C}.b"), moved_to_unknown(f"{STAGE}.s"), root=root)
    )
    assert document.plan.stages[0].after.presents.elsewhere is elsewhere


@pytest.mark.parametrize(
    "root",
    [
        None,
        {},
        {"resources": [block(STAGE, "s")]},
        {"resources": [block(STAGE, "other", {"client_certificate_id": ["x.y"]})]},
    ],
)
def test_a_plan_without_the_expression(read, root):
    """Without the stage's expression, every created certificate is a candidate."""
    assert resolve(read, plan(created(f"{C}.a"), moved_to_unknown(f"{STAGE}.s"), root=root)) == [
        f"{C}.a"
    ]
    assert resolve(read, plan(moved_to_unknown(f"{STAGE}.s"), root=root)) == []


def test_a_plan_without_configuration(read):
    """Without the configuration, every created certificate is a candidate."""
    document = plan(created(f"{C}.a"), moved_to_unknown(f"{STAGE}.s"))
    del document["configuration"]
    assert resolve(read, document) == [f"{C}.a"]


def test_replaced_certificates_are_candidates_and_updated_ones_are_not(read):
    """A replaced certificate is a candidate; an updated or deposed one is not."""
    replaced = created(f"{C}.a") | {
        "change": created(f"{C}.a")["change"]
        | {"actions": ["create", "delete"], "before": {"id": "a1"}}
    }
    updated = created(f"{C}.b") | {
        "change": {
            "actions": ["update"],
            "before": {"id": "b1"},
            "after": {"id": "b1"},
            "after_unknown": {"tags_all": True},
        }
    }
    deposed = created(f"{C}.a") | {
        "deposed": "12345678",
        "change": {"actions": ["delete"], "before": {"id": "a0"}, "after": None},
    }
    root = {"resources": [block(STAGE, "s", {"client_certificate_id": ["local.x"]})]}
    assert resolve(
        read, plan(replaced, updated, deposed, moved_to_unknown(f"{STAGE}.s"), root=root)
    ) == [f"{C}.a"]


STAGE_MODULE = {
    "resources": [block(STAGE, "s", {"client_certificate_id": ["var.cert_id"]})],
    "variables": {"cert_id": {}},
}
CERT_MODULE = {
    "resources": [block(C, "main")],
    "outputs": {"id": output([f"{C}.main.id", f"{C}.main"]), "other": output(["var.x"])},
}


def test_an_input_of_a_module(read):
    """A module variable is resolved through the argument in the calling module."""
    root = {"module_calls": {"api": call(STAGE_MODULE, {"cert_id": [f"{C}.a.id", f"{C}.a"]})}}
    document = plan(
        created(f"{C}.a"), created(f"{C}.b"), moved_to_unknown(f"module.api.{STAGE}.s"), root=root
    )
    assert resolve(read, document) == [f"{C}.a"]


def test_an_output_of_a_module(read):
    """A module output is resolved in its own module."""
    root = {
        "resources": [
            block(STAGE, "s", {"client_certificate_id": ["module.certs.id", "module.certs"]})
        ],
        "module_calls": {"certs": call(CERT_MODULE)},
    }
    document = plan(
        created(f"{C}.main"),
        created(f"module.certs.{C}.main"),
        moved_to_unknown(f"{STAGE}.s"),
        root=root,
    )
    assert resolve(read, document) == [f"module.certs.{C}.main"]


def test_an_output_of_objects_lists_all_that_are_in_it(read):
    """For an output of objects, each certificate that it references is a candidate."""
    module = {
        "resources": [],
        "outputs": {"ids": output([f"{C}.x.id", f"{C}.x", f"{C}.y.id", f"{C}.y"])},
    }
    references = ['module.certs.ids["main"]', "module.certs.ids", "module.certs"]
    root = {
        "resources": [block(STAGE, "s", {"client_certificate_id": references})],
        "module_calls": {"certs": call(module)},
    }
    made = [created(f"module.certs.{C}.{name}") for name in ("x", "y", "z")]
    assert resolve(read, plan(*made, moved_to_unknown(f"{STAGE}.s"), root=root)) == [
        f"module.certs.{C}.x",
        f"module.certs.{C}.y",
    ]


def test_through_outputs_and_inputs_at_any_depth(read):
    """A reference is resolved through outputs and variables over several modules."""
    inner_cert = call(CERT_MODULE)
    certs = {
        "module_calls": {"inner": inner_cert},
        "outputs": {"out": output(["module.inner.id", "module.inner"])},
    }
    api = {"module_calls": {"deep": call(STAGE_MODULE, {"cert_id": ["var.id"]})}}
    root = {
        "module_calls": {
            "certs": call(certs),
            "api": call(api, {"id": ["module.certs.out", "module.certs"]}),
        }
    }
    document = plan(
        created(f"{C}.decoy"),
        created(f"module.certs.module.inner.{C}.main"),
        moved_to_unknown(f"module.api.module.deep.{STAGE}.s"),
        root=root,
    )
    assert resolve(read, document) == [f"module.certs.module.inner.{C}.main"]


def instances(base, keys):
    return [f'{base}["{key}"]' for key in keys]


def test_the_same_key_where_the_index_is_each_key(read):
    """`m[each.key].id` selects the certificate with the stage's own key."""
    root = {
        "resources": [
            block(
                STAGE,
                "s",
                {"client_certificate_id": [f"{C}.m", "each.key"]},
                for_each_expression={"a": 1, "b": 1},
            )
        ]
    }
    stages = [moved_to_unknown(address) for address in instances(f"{STAGE}.s", "ab")]
    made = [created(address) for address in instances(f"{C}.m", "ab")]
    assert candidates(read, plan(*made, *stages, root=root)) == {
        f'{STAGE}.s["a"]': [f'{C}.m["a"]'],
        f'{STAGE}.s["b"]': [f'{C}.m["b"]'],
    }


def test_another_part_in_the_index_keeps_all_instances(read):
    """`m[var.which[each.key]].id` may select any instance."""
    root = {
        "resources": [
            block(
                STAGE,
                "s",
                {"client_certificate_id": [f"{C}.m", "var.which", "each.key"]},
                for_each_expression={"a": 1},
            )
        ]
    }
    made = [created(address) for address in instances(f"{C}.m", "ab")]
    assert resolve(read, plan(*made, moved_to_unknown(f'{STAGE}.s["a"]'), root=root)) == instances(
        f"{C}.m", "ab"
    )


def test_chained_for_each(read):
    """A chained for_each, `each.value.id`, selects the certificate with the same key."""
    stage = block(
        STAGE,
        "s",
        {"client_certificate_id": ["each.value.id", "each.value"]},
        for_each_expression=[f"{C}.m"],
    )
    made = [created(address) for address in instances(f"{C}.m", "ab")]
    document = plan(*made, moved_to_unknown(f'{STAGE}.s["b"]'), root={"resources": [stage]})
    assert resolve(read, document) == [f'{C}.m["b"]']


def test_a_constant_map_of_keys(read):
    """With a constant for_each map, `m[each.value].id` selects the key that the map gives."""
    stage = block(
        STAGE,
        "s",
        {"client_certificate_id": [f"{C}.m", "each.value"]},
        for_each_expression={"a": "x", "b": "y"},
    )
    made = [created(address) for address in instances(f"{C}.m", "xy")]
    assert resolve(
        read, plan(*made, moved_to_unknown(f'{STAGE}.s["b"]'), root={"resources": [stage]})
    ) == [f'{C}.m["y"]']


def test_count_index(read):
    """`n[count.index].id` selects the instance with the same number."""
    root = {"resources": [block(STAGE, "s", {"client_certificate_id": [f"{C}.n", "count.index"]})]}
    made = [created(f"{C}.n[{index}]") for index in range(3)]
    assert resolve(read, plan(*made, moved_to_unknown(f"{STAGE}.s[1]"), root=root)) == [f"{C}.n[1]"]


def test_an_index_that_is_not_the_stage_s_own(read):
    """If the present certificates show a shifted index, every instance is a candidate.

    `n[count.index + 1].id` has the same references as `n[count.index].id`.
    """
    root = {"resources": [block(STAGE, "s", {"client_certificate_id": [f"{C}.n", "count.index"]})]}
    made = [
        change(
            f"{C}.n[{index}]",
            ["delete", "create"],
            before={"id": f"old{index}"},
            after={},
            unknown=["id"],
        )
        for index in range(3)
    ]
    shifted = [
        moved_to_unknown(f"{STAGE}.s[{index}]", client_certificate_id=f"old{index + 1}")
        for index in range(2)
    ]
    everything = [f"{C}.n[0]", f"{C}.n[1]", f"{C}.n[2]"]
    assert candidates(read, plan(*made, *shifted, root=root)) == {
        f"{STAGE}.s[0]": everything,
        f"{STAGE}.s[1]": everything,
    }
    straight = moved_to_unknown(f"{STAGE}.s[1]", client_certificate_id="old1")
    assert resolve(read, plan(*made, straight, root=root)) == [f"{C}.n[1]"]


def test_instances_of_modules_that_hold_modules_without_instances(read):
    """An output of an output is resolved through an inner module without a key."""
    leaf = {"resources": [block(C, "c")], "outputs": {"id": output([f"{C}.c.id", f"{C}.c"])}}
    team = {
        "module_calls": {"leaf": call(leaf)},
        "outputs": {"id": output(["module.leaf.id", "module.leaf"])},
    }
    stage = block(
        STAGE,
        "s",
        {"client_certificate_id": ["module.team", "each.key"]},
        for_each_expression={"x": 1, "y": 1},
    )
    root = {
        "resources": [stage],
        "module_calls": {"team": call(team, for_each_expression={"x": 1, "y": 1})},
    }
    made = [f'module.team["{key}"].module.leaf.{C}.c' for key in "xy"]
    stages = [moved_to_unknown(address) for address in instances(f"{STAGE}.s", "xy")]
    assert candidates(read, plan(*map(created, made), *stages, root=root)) == {
        f'{STAGE}.s["x"]': [made[0]],
        f'{STAGE}.s["y"]': [made[1]],
    }


def test_instances_of_modules(read):
    """Instances of modules are resolved by a literal key and by each.key."""
    root = {
        "module_calls": {
            "certs": call(CERT_MODULE),
            "one": call(
                STAGE_MODULE,
                {"cert_id": ['module.certs["x"].id', 'module.certs["x"]', "module.certs"]},
            ),
            "each": call(
                STAGE_MODULE,
                {"cert_id": ["module.certs", "each.key"]},
                for_each_expression={"x": 1, "y": 1},
            ),
        }
    }
    made = [created(f'module.certs["{key}"].{C}.main') for key in "xy"]
    stages = [
        moved_to_unknown(f"module.one.{STAGE}.s"),
        moved_to_unknown(f'module.each["y"].{STAGE}.s'),
    ]
    # The output `other` does not matter, because its variable has no expression of a caller.
    assert candidates(read, plan(*made, *stages, root=root)) == {
        f"module.one.{STAGE}.s": [f'module.certs["x"].{C}.main'],
        f'module.each["y"].{STAGE}.s': [f'module.certs["y"].{C}.main'],
    }


def test_the_certificate_of_the_same_module_instance(read):
    """Within an instance of a module, a stage selects the certificate of the same instance."""
    module = {
        "resources": [
            block(C, "c"),
            block(STAGE, "s", {"client_certificate_id": [f"{C}.c.id", f"{C}.c"]}),
        ]
    }
    root = {"module_calls": {"m": call(module)}}
    made = [created(f"module.m[{index}].{C}.c") for index in range(2)]
    document = plan(*made, moved_to_unknown(f"module.m[1].{STAGE}.s"), root=root)
    assert resolve(read, document) == [f"module.m[1].{C}.c"]


def test_terraform_json_has_a_constant_beside_the_references(read):
    """In `.tf.json`, the references count, although the template is also a constant."""
    stage = block(STAGE, "s", {"client_certificate_id": [f"{C}.a.id", f"{C}.a"]})
    stage["expressions"]["client_certificate_id"]["constant_value"] = "${x}"
    document = plan(
        created(f"{C}.a"),
        created(f"{C}.b"),
        moved_to_unknown(f"{STAGE}.s"),
        root={"resources": [stage]},
    )
    assert resolve(read, document) == [f"{C}.a"]


def test_an_acm_certificate_through_its_validation(read):
    """An ACM certificate is found through its aws_acm_certificate_validation."""
    root = {
        "resources": [
            block(
                STAGE,
                "s",
                {
                    "client_certificate_id": [
                        "aws_acm_certificate_validation.v.certificate_arn",
                        "aws_acm_certificate_validation.v",
                    ]
                },
            ),
            block(
                "aws_acm_certificate_validation",
                "v",
                {"certificate_arn": ["aws_acm_certificate.c.arn", "aws_acm_certificate.c"]},
            ),
        ]
    }
    acm = created(f"{C}.x") | {"address": "aws_acm_certificate.c", "type": "aws_acm_certificate"}
    document = read(plan(acm, created(f"{C}.x"), moved_to_unknown(f"{STAGE}.s"), root=root))
    assert [str(one) for one in document.plan.stages[0].after.presents.candidates] == [
        "aws_acm_certificate.c"
    ]
    assert [(str(one.address), one.after.kind) for one in document.plan.certificates] == [
        ("aws_acm_certificate.c", "acm"),
        (f"{C}.x", "gateway"),
    ]


@pytest.mark.parametrize(
    ("references", "expected", "elsewhere"),
    [
        (["terraform_data.d.output", "terraform_data.d"], [f"{C}.x"], False),
        (["terraform_data.d.id", "terraform_data.d"], [f"{C}.x", f"{C}.y"], True),
        ([f"{STAGE}.other.client_certificate_id", f"{STAGE}.other"], [f"{C}.x"], False),
        ([f"{STAGE}.other.id", f"{STAGE}.other"], [f"{C}.x", f"{C}.y"], True),
    ],
)
def test_what_another_resource_hands_on(read, references, expected, elsewhere):
    """A resource that passes the id on is followed only through the attribute that has it."""
    given = [f"{C}.x.id", f"{C}.x"]
    root = {
        "resources": [
            block("terraform_data", "d", {"input": given}),
            block(STAGE, "other", {"client_certificate_id": given}),
            block(STAGE, "s", {"client_certificate_id": references}),
        ]
    }
    presents = (
        read(plan(created(f"{C}.x"), created(f"{C}.y"), moved_to_unknown(f"{STAGE}.s"), root=root))
        .plan.stages[0]
        .after.presents
    )
    assert ([str(one) for one in presents.candidates], presents.elsewhere) == (expected, elsewhere)


def test_an_acm_certificate_of_something_else_is_not_ours(read):
    """An ACM certificate that no stage references is not read from the plan."""
    root = {"resources": [block(STAGE, "s", {"client_certificate_id": [f"{C}.x.id", f"{C}.x"]})]}
    acm = created(f"{C}.x") | {"address": "aws_acm_certificate.c", "type": "aws_acm_certificate"}
    document = read(plan(acm, created(f"{C}.x"), moved_to_unknown(f"{STAGE}.s"), root=root))
    assert [str(one.address) for one in document.plan.certificates] == [f"{C}.x"]


def test_circles_end(read):
    """Outputs that reference each other end the search, and the certificates on the way
    are found.
    """
    inner = call(
        {"outputs": {"a": output(["var.v"]), "b": output(["var.v"])}},
        {"v": ["module.m.a", "module.m"]},
    )
    around = {
        "outputs": {
            "a": output(["module.m.b", "module.m", f"{C}.x.id", f"{C}.x"]),
            "b": output(["module.m.a", "module.m"]),
        },
        "module_calls": {"m": inner},
    }
    root = {
        "resources": [block(STAGE, "s", {"client_certificate_id": ["module.top.a", "module.top"]})],
        "module_calls": {"top": call(around)},
    }
    document = plan(
        created(f"{C}.decoy"),
        created(f"module.top.{C}.x"),
        moved_to_unknown(f"{STAGE}.s"),
        root=root,
    )
    assert resolve(read, document) == [f"module.top.{C}.x"]


def acm(name):
    return change(f"aws_acm_certificate.{name}", ["create"], after={}, unknown=["arn", "id"])


def test_an_acm_certificate_is_likely_only_where_no_other_is_created(read):
    """An ACM certificate is a candidate for an unresolved reference only if no client certificate
    is created.
    """
    root = {"resources": [block(STAGE, "s", {"client_certificate_id": ["local.x"]})]}
    assert resolve(
        read, plan(acm("a"), created(f"{C}.x"), moved_to_unknown(f"{STAGE}.s"), root=root)
    ) == [f"{C}.x"]
    assert resolve(read, plan(acm("a"), moved_to_unknown(f"{STAGE}.s"), root=root)) == [
        "aws_acm_certificate.a"
    ]


def test_long_chains_and_many_stages_take_linear_time(read):
    """Long reference chains and many stages are resolved in linear time."""
    many = 1000
    calls = {
        f"m{index}": call({"outputs": {"o": output(["var.v"])}}, {"v": [f"module.m{index + 1}.o"]})
        for index in range(10_000)
    }
    calls["m10000"] = call({"outputs": {"o": output([f"{C}.c"])}})
    chain = block(STAGE, "chain", {"client_certificate_id": ["module.m0.o", "module.m0"]})
    lost = block(STAGE, "lost", {"client_certificate_id": ["local.x"]})
    hinted = block(
        STAGE,
        "hinted",
        {"client_certificate_id": [f"{C}.c", "each.key"]},
        for_each_expression=["local.keys"],
    )
    made = [created(f'{C}.c["{index}"]') for index in range(many)]
    stages = [
        moved_to_unknown(f'{STAGE}.{name}["{index}"]')
        for name in ("lost", "hinted", "chain")
        for index in range(many)
    ]
    document = plan(
        *made, *stages, root={"resources": [chain, lost, hinted], "module_calls": calls}
    )
    started = time.process_time()
    stages = {
        str(change.address): change.after.presents.candidates
        for change in read(document).plan.stages
    }
    assert time.process_time() - started < 20
    assert [str(one) for one in stages[f'{STAGE}.hinted["7"]']] == [f'{C}.c["7"]']
    assert len(stages[f'{STAGE}.chain["0"]']) == many
    assert stages[f'{STAGE}.lost["7"]'] is stages[f'{STAGE}.lost["8"]']
