# A plan policy for spacelift.yml: errors deny, and so does what could not be checked; warnings ask for a person.
package spacelift

outcome := input.third_party_metadata.custom.tfcert

deny[sprintf("%s: %s", [found.rule, found.message])] {
	found := outcome.findings[_]
	found.severity == "error"
	is_null(found.suppression)
}

deny["tfcert could not check everything"] {
	outcome.verdict == "inconclusive"
}

deny["tfcert did not run"] {
	not outcome
}

warn[sprintf("%s: %s", [found.rule, found.message])] {
	found := outcome.findings[_]
	found.severity == "warning"
	is_null(found.suppression)
}
