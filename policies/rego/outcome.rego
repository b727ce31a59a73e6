# For conftest (`conftest test tfcert.json --policy policies/rego`) and OPA, over `tfcert check --format json=tfcert.json`.
#
# It denies where tfcert's exit code was not 0, and a document that is no outcome of version 1: nothing was judged there.
package main

import rego.v1

judged if {
	input.schema == "tfcert.outcome/v1"
	input.verdict in {"clean", "findings", "inconclusive"}
	input.exit_code in {0, 1, 3}
}

# With --fail-on never a verdict of findings has code 0; what could not be checked stops even then.
stopped if input.exit_code != 0

stopped if input.verdict == "inconclusive"

deny contains "this is no outcome of tfcert, version 1" if not judged

deny contains sprintf("tfcert: %s, exit code %d", [input.verdict, input.exit_code]) if {
	judged
	stopped
}

deny contains said(finding) if {
	judged
	some finding in input.findings
	denied(finding)
}

warn contains said(finding) if {
	judged
	some finding in input.findings
	counts(finding)
	not denied(finding)
}

# An exemption is shown, so that it is not forgotten; the reason and the day come from the policy file or the comment.
warn contains sprintf("suppressed until %s (%s): %s", [finding.suppression.until, finding.suppression.reason, finding.rule]) if {
	judged
	some finding in input.findings
	not counts(finding)
}

denied(finding) if {
	stopped
	counts(finding)
	finding.severity == "error"
}

counts(finding) if finding.suppression == null

said(finding) := sprintf("%s: %s (%s)", [finding.rule, finding.message, finding.remedy])
