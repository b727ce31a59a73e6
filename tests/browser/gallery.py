"""The outcomes that the pages of these tests show: one to three thousand certificates, and some
with hostile names.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace
from world import BASE, CERTIFICATE, HOME, NOW, STAGE, World, days, lay, world

from checker.cli.patch_preview import with_patches
from checker.model.address import parse
from checker.model.exemptions import Exemption
from checker.model.finding import SuppressedBy
from checker.model.inventory import ScanResult, Sweep
from checker.model.observation import CertificateKey, Found, ObservedStage, Unanswered
from checker.model.outcome import Outcome
from checker.model.policy import FailOn, Policy, Run
from checker.model.resources import StageKind
from checker.pipeline import Loaded, check, scan

TEAMS = ("orders", "payments", "ledger", "returns", "invoices")


def three(folder: Path) -> World:
    """Return a world with a certificate that ends in 12 days, one in rotation beside its successor,
    and one with time left.
    """
    orders, payments, newer, ledger = (
        f"{CERTIFICATE}.{name}" for name in ("orders", "payments", "payments_202611", "ledger")
    )
    text = f"""\
resource "{CERTIFICATE}" "orders" {{
  description = "orders to their backend"
}}

resource "{STAGE}" "orders" {{
  for_each              = toset(["live", "test"])
  client_certificate_id = {orders}.id
}}

resource "{STAGE}" "returns" {{
  client_certificate_id = {orders}.id
}}

resource "{CERTIFICATE}" "payments" {{
}}

# tfcert: succeeds {payments}
resource "{CERTIFICATE}" "payments_202611" {{
}}

resource "{STAGE}" "payments" {{
  client_certificate_id = {payments}.id
}}

resource "{CERTIFICATE}" "ledger" {{
}}

resource "{STAGE}" "ledger" {{
  client_certificate_id = {ledger}.id
}}
"""
    return World(
        folder=lay(folder, {"gateway.tf": text}),
        certificates={orders: "rj3hhn", payments: "k2v9qd", newer: "m8w1zt", ledger: "c5x0py"},
        stages={
            f'{STAGE}.orders["live"]': "rj3hhn",
            f'{STAGE}.orders["test"]': "rj3hhn",
            f"{STAGE}.returns": "rj3hhn",
            f"{STAGE}.payments": "k2v9qd",
            f"{STAGE}.ledger": "c5x0py",
        },
        ends={"rj3hhn": days(12.4), "k2v9qd": days(45.4), "m8w1zt": days(364), "c5x0py": days(231)},
    )


def many(folder: Path, count: int = 3000, stages: int = 10_000) -> World:
    """Return a world with this many certificates, whose ends are spread over the year.

    Every hundredth is in the configuration.
    """
    certificates = {
        f"module.team_{number % 40:02}.{CERTIFICATE}.service_{number:04}": f"id{number:04}"
        for number in range(count)
    }
    # A step without a common factor with the year spreads the ends evenly.
    ends = {f"id{number:04}": days((number * 131) % 364 + 1.5) for number in range(count)}
    names = list(certificates)
    presented = {
        f'{names[number % count].replace(CERTIFICATE, STAGE)}["{number // count + 1}"]': f"id{number % count:04}"
        for number in range(stages)
    }
    text = f'resource "{CERTIFICATE}" "own" {{\n}}\n\nresource "{STAGE}" "own" {{\n  client_certificate_id = {CERTIFICATE}.own.id\n}}\n'
    return World(
        folder=lay(folder, {"main.tf": text}),
        certificates={**certificates, f"{CERTIFICATE}.own": "own000"},
        stages={**presented, f"{STAGE}.own": "own000"},
        ends={**ends, "own000": days(4.5)},
        now=NOW,
    )


def hostile(folder: Path) -> World:
    """Return a world whose keys and names try to break out of the markup, in a file with Windows
    line ends.
    """
    certificate = f"{CERTIFICATE}.orders"
    text = f"""\
resource "{CERTIFICATE}" "orders" {{
  description = "</pre><script>document.title = 'taken'</script> \u202e reversed"
}}

resource "{STAGE}" "prod" {{
  for_each              = toset(["<img src=x onerror=alert(1)>"])
  client_certificate_id = {certificate}.id
}}
"""
    keys = (
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(1)</script>",
        "' onmouseover='alert(1)",
        "{{ 7 * 7 }}",
        "\u202eabc\x1b[2J",
    )
    return World(
        folder=lay(folder, {"main.tf": text.replace("\n", "\r\n")}),
        certificates={certificate: "old000"},
        stages={str(replace(parse(f"{STAGE}.prod"), key=key)): "old000" for key in keys},
    )


def outcome_of(world: World, *, offline: bool = False) -> Outcome:
    """Return the outcome of a check of a world, with the patches that it writes."""
    return with_patches(
        world.judge(offline=offline),
        Loaded(inventory=world.inventory(), configurations=(world.configuration(),)),
    )


def blocked(folder: Path) -> Outcome:
    """Return an outcome without patches: AWS was not asked, and the configuration outputs the whole
    certificate.
    """
    found = world(
        folder, {"main.tf": BASE + f'output "all" {{\n  value = {CERTIFICATE}.orders\n}}\n'}
    )
    return outcome_of(found, offline=True)


def calm(folder: Path) -> Outcome:
    """Return an outcome with one certificate that has most of its year left."""
    return outcome_of(world(folder, {"main.tf": BASE}, ends={"old000": days(300)}))


def scanned(folder: Path) -> Outcome:
    """Return the outcome of a scan without Terraform, with two stages whose certificate ends soon
    and the steps for a person.
    """
    del folder
    sweep = Sweep(
        place=HOME,
        stages=tuple(
            ObservedStage(kind=StageKind.REST, api_id="a1", name=name, certificate_id="old000")
            for name in ("live", "it's </pre>")
        ),
        certificates={
            CertificateKey(id="old000", place=HOME): Found(
                expires_at=days(12), created_at=days(-353)
            )
        },
        certificate_count=1,
    )
    return scan(ScanResult(sweeps=(sweep,)), None, Run(as_of=NOW, policy=Policy()))


def three_hundred(folder: Path) -> Outcome:
    """Return the outcome of a scan without Terraform, with 300 certificates on stages of named APIs
    that end all over the year.
    """
    del folder
    stages = tuple(
        ObservedStage(
            kind=StageKind.REST,
            api_id=f"a{number:03}",
            api_name=f"{team}-{number // len(TEAMS):02}",
            name=("live", "test")[number % 2],
            certificate_id=f"c{number:05}",
        )
        for number in range(300)
        for team in [TEAMS[number % len(TEAMS)]]
    )
    ends = {f"c{number:05}": days((number * 131) % 364 + 1.5) for number in range(300)}
    sweep = Sweep(
        place=HOME,
        stages=stages,
        certificates={
            CertificateKey(id=identity, place=HOME): Found(
                expires_at=end, created_at=end - timedelta(days=365)
            )
            for identity, end in ends.items()
        },
        certificate_count=60,
    )
    return scan(ScanResult(sweeps=(sweep,)), None, Run(as_of=NOW, policy=Policy()))


def exempted(folder: Path) -> Outcome:
    """Return an outcome of three certificates near their end, one of them exempted, under a policy
    that fails on warnings.
    """
    names = {
        f"{CERTIFICATE}.orders": "old000",
        f"{CERTIFICATE}.second": "second",
        f"{CERTIFICATE}.third": "third0",
    }
    stages = {f"{STAGE}.prod": "old000", f"{STAGE}.second": "second", f"{STAGE}.third": "third0"}
    ends = {"old000": days(40), "second": days(45), "third0": days(50)}
    policy = Policy(
        fail_on=FailOn.WARNING,
        exemptions=(
            Exemption(
                kind=SuppressedBy.POLICY,
                rule="certificate-expiring",
                reason="the service ends before its certificate does",
                until=days(30).date(),
                owner="payments",
                certificate_id="second",
            ),
        ),
    )
    home = world(folder, {"main.tf": BASE}, certificates=names, stages=stages, ends=ends)
    return check(home.inventory(), home.observe, Run(as_of=NOW, policy=policy))


def doubtful(folder: Path) -> Outcome:
    """Return an outcome in which AWS does not answer for the one certificate, and state does not
    know its end.
    """
    home = world(folder, {"main.tf": BASE}, certificates={}, ends={})

    def observe(certificates, places, stages, drift):
        said = home.observe(certificates, places, stages, drift)
        return replace(
            said,
            certificates=dict.fromkeys(
                certificates, Unanswered(reason="access denied", remedy="grant apigateway:GET")
            ),
        )

    return check(home.inventory(), observe, Run(as_of=NOW, policy=Policy()))


OUTCOMES = {
    "one": lambda folder: outcome_of(world(folder, {"main.tf": BASE})),
    "three-hundred": three_hundred,
    "three": lambda folder: outcome_of(three(folder)),
    "many": lambda folder: outcome_of(many(folder)),
    "hostile": lambda folder: outcome_of(hostile(folder)),
    "blocked": blocked,
    "calm": calm,
    "scanned": scanned,
    "exempted": exempted,
    "doubtful": doubtful,
}
