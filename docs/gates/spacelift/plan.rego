# A plan policy: it denies what tfcert would stop, and what tfcert did not judge at all.
package spacelift

import rego.v1

outcome := input.third_party_metadata.custom.tfcert

judged if outcome.schema == "tfcert.outcome/v1"

deny contains "tfcert has not judged this plan: is its after_plan hook there?" if not judged

deny contains sprintf("tfcert: %s", [outcome.verdict]) if {
	judged
	outcome.verdict != "clean"
}

deny contains said(finding) if {
	judged
	some finding in outcome.findings
	finding.suppression == null
	finding.severity == "error"
}

warn contains said(finding) if {
	judged
	some finding in outcome.findings
	finding.suppression == null
	finding.severity != "error"
}

said(finding) := sprintf("%s: %s (%s)", [finding.rule, finding.message, finding.remedy])

# Lets Spacelift keep the input of some runs, to try the policy on.
sample := true
