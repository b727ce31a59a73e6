"""Tests of inferred accounts: a certificate's ARN has none, so stages of its provider configuration
give it.
"""

from __future__ import annotations

import pytest
from terraform_json import CERTIFICATE, STAGE, block, plan, raw, raw_state, shown, shown_state

OURS, THEIRS = "111122223333", "444455556666"
AWS = 'provider["registry.terraform.io/hashicorp/aws"]'


def certificate_values(identity):
    return {"id": identity, "arn": f"arn:aws:apigateway:us-east-1::/clientcertificates/{identity}"}


def stage_values(account, api="a1"):
    return {
        "id": f"ags-{api}-prod",
        "rest_api_id": api,
        "stage_name": "prod",
        "arn": f"arn:aws:apigateway:us-east-1::/restapis/{api}/stages/prod",
        "execution_arn": f"arn:aws:execute-api:us-east-1:{account}:{api}/prod" if account else None,
    }


def raw_stage(name, account, provider=AWS):
    return raw(STAGE, name, {"attributes": stage_values(account)}, provider=provider)


def raw_certificate(name, provider=AWS):
    return raw(CERTIFICATE, name, {"attributes": certificate_values(name)}, provider=provider)


def accounts(read, document):
    return {
        certificate.address.name: certificate.place.account
        for certificate in read(document).certificates
    }


def test_a_raw_state_names_the_configuration_of_each_resource(read):
    """In a raw state, a certificate gets the account of the stages with its provider
    configuration.
    """
    document = raw_state(
        raw_stage("here", OURS),
        raw_stage("there", THEIRS, f"{AWS}.other"),
        raw_stage("inside", "777788889999", f"module.edge.{AWS}"),
        raw_certificate("mine"),
        raw_certificate("other", f"{AWS}.other"),
        raw_certificate("edge", f"module.edge.{AWS}"),
        raw_certificate("lonely", f"{AWS}.third"),
    )
    assert accounts(read, document) == {
        "mine": OURS,
        "other": THEIRS,
        "edge": "777788889999",
        "lonely": None,
    }


def presenting(account, identity, provider=AWS):
    return raw(
        STAGE,
        "s",
        {"attributes": stage_values(account) | {"client_certificate_id": identity}},
        provider=provider,
    )


def test_a_configuration_without_stages_is_of_the_account_of_those_that_present_what_it_made(read):
    """An aliased provider without stages gets the account of the stages that present its
    certificates.
    """
    alias = f"{AWS}.certificates"
    document = raw_state(
        presenting(OURS, "new"), raw_certificate("new", alias), raw_certificate("old", alias)
    )
    assert accounts(read, document) == {"new": OURS, "old": OURS}


def test_the_stages_of_a_configuration_outweigh_those_that_present_what_it_made(read):
    """A configuration's own stages decide, not a stage of another account that names its
    certificate.
    """
    document = raw_state(
        raw_stage("here", OURS), presenting(THEIRS, "c", f"{AWS}.other"), raw_certificate("c")
    )
    assert accounts(read, document) == {"c": OURS}


@pytest.mark.parametrize("stages", [[OURS, THEIRS], [OURS, None], []])
def test_where_stages_do_not_agree_nobody_knows(read, stages):
    """If the stages of a configuration disagree, the account of its certificates is unknown."""
    document = raw_state(
        *(raw_stage(f"s{n}", account) for n, account in enumerate(stages)), raw_certificate("c")
    )
    assert accounts(read, document) == {"c": None}


@pytest.mark.parametrize(("second", "account"), [(OURS, OURS), (THEIRS, None)])
def test_a_shown_state_tells_configurations_not_apart(read, second, account):
    """A shown state does not name provider configurations, so all of its stages must agree."""
    document = shown_state(
        shown(f"{STAGE}.a", stage_values(OURS)),
        shown(f"{STAGE}.b", stage_values(second, "a2")),
        shown(f"{CERTIFICATE}.c", certificate_values("c")),
    )
    assert accounts(read, document) == {"c": account}


def test_a_plans_prior_state_goes_by_the_configuration_of_its_providers(read):
    """In a plan, the provider configuration of each block decides; an undeclared certificate has no
    account.
    """
    document = plan(
        prior=[
            shown(f"{STAGE}.here", stage_values(OURS)),
            shown(f"{STAGE}.there", stage_values(THEIRS, "a2")),
            shown(f"{CERTIFICATE}.mine", certificate_values("c1")),
            shown(f"{CERTIFICATE}.other", certificate_values("c2")),
            shown(f"{CERTIFICATE}.orphan", certificate_values("c3")),
        ],
        root={
            "resources": [
                block(STAGE, "here"),
                block(STAGE, "there", provider_config_key="aws.other"),
                block(CERTIFICATE, "mine"),
                block(CERTIFICATE, "other", provider_config_key="aws.other"),
            ]
        },
        providers={"aws": {"name": "aws"}, "aws.other": {"name": "aws", "alias": "other"}},
    )
    assert accounts(read, document) == {"mine": OURS, "other": THEIRS, "orphan": None}
