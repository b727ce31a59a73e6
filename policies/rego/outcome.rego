# For conftest (`conftest test tfcert.json --policy policies/rego`) and OPA, over `tfcert check --format json=tfcert.json`.
#
# The document says what was judged; a document without a verdict, or of another version, is denied and never passed over.
package main

import rego.v1

judged if input.schema == "tfcert.outcome/v1"

deny contains "this is no outcome of tfcert, version 1" if not judged

deny contains sprintf("%s: %s", [input.verdict, verdicts[input.verdict]]) if {
	judged
	input.verdict != "clean"
}

deny contains "the document has no verdict that this policy knows" if {
	judged
	not input.verdict in {"clean", "findings", "inconclusive"}
}

deny contains said(finding) if {
	judged
	some finding in input.findings
	counts(finding)
	finding.severity == "error"
}

warn contains said(finding) if {
	judged
	some finding in input.findings
	counts(finding)
	finding.severity != "error"
}

# An exemption is shown, so that it is not forgotten; the reason and the day come from the policy file or the comment.
warn contains sprintf("suppressed until %s (%s): %s", [finding.suppression.until, finding.suppression.reason, finding.rule]) if {
	judged
	some finding in input.findings
	not counts(finding)
}

counts(finding) if finding.suppression == null

said(finding) := sprintf("%s: %s (%s)", [finding.rule, finding.message, finding.remedy])

verdicts := {
	"findings": "a finding fails the policy that tfcert judged by",
	"inconclusive": "something could not be checked, which is never the same as clean",
}
