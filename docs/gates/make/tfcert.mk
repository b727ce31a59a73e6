# `include tfcert.mk`, then `make apply`: no plan is applied that tfcert has not passed. 1, 2 and 3 of tfcert stop make alike.
TERRAFORM ?= terraform
TFCERT ?= tfcert
# For instance --expect introduce, --offline, --policy FILE
GATE_FLAGS ?=

.PHONY: plan gate apply

plan:
	$(TERRAFORM) plan -input=false -out plan.bin

# The plan's JSON holds secrets: it goes through a pipe, and lies nowhere. An empty pipe, where show fails, is no plan: exit 2.
gate: plan
	$(TERRAFORM) show -json plan.bin | $(TFCERT) check - --config . $(GATE_FLAGS) --format text --format json=tfcert.json

apply: gate
	$(TERRAFORM) apply -input=false plan.bin
