# `include tfcert.mk`, then `make apply`: no plan is applied that tfcert has not passed. 1, 2 and 3 of tfcert stop make alike.
TERRAFORM ?= terraform
TFCERT ?= tfcert
# A pack, or a file outside of the checkout: one in it could be changed with what it judges.
GATE_POLICY ?= default
# For instance --expect introduce, --offline
GATE_FLAGS ?=

.PHONY: plan gate apply

plan:
	$(TERRAFORM) plan -input=false -out plan.bin

# The plan's JSON holds secrets: it goes through a pipe, and lies nowhere. An empty pipe, where show fails, is no plan: exit 2.
# What a pull request has put in the report's place, a link for instance, is removed first.
gate: plan
	rm -f tfcert.json
	$(TERRAFORM) show -json plan.bin | $(TFCERT) check - --policy $(GATE_POLICY) --no-inline-exemptions --config . $(GATE_FLAGS) --format text --format json=tfcert.json

apply: gate
	$(TERRAFORM) apply -input=false plan.bin
