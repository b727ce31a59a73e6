# A plan policy. It denies a run if tfcert's exit code was not 0, or if tfcert did not check the plan.
package spacelift

import rego.v1

outcome := input.third_party_metadata.custom.tfcert

judged if {
	outcome.schema == "tfcert.outcome/v1"
	outcome.verdict in {"clean", "findings", "inconclusive"}
	outcome.exit_code in {0, 1, 3}
}

# With --fail-on never, findings have exit code 0. A plan that could not be checked is denied even then.
stopped if outcome.exit_code != 0

stopped if outcome.verdict == "inconclusive"

deny contains "tfcert has not judged this plan: is its after_plan hook there?" if not judged

deny contains sprintf("tfcert: %s, exit code %d", [outcome.verdict, outcome.exit_code]) if {
	judged
	stopped
}

deny contains said(finding) if {
	judged
	some finding in outcome.findings
	denied(finding)
}

warn contains said(finding) if {
	judged
	some finding in outcome.findings
	finding.suppression == null
	not denied(finding)
}

denied(finding) if {
	stopped
	finding.suppression == null
	finding.severity == "error"
}

said(finding) := sprintf("%s: %s (%s)", [finding.rule, finding.message, finding.remedy])

# Lets Spacelift keep the input of some runs, so that you can try the policy on them.
sample := true
