# `include tfcert.mk`, then `make apply`: only a plan that tfcert passed is applied. tfcert's exit codes 1, 2 and 3 all stop make.
TERRAFORM ?= terraform
TFCERT ?= tfcert
# A pack, or a file outside of the checkout. A change could edit a policy in the checkout along with the resources.
GATE_POLICY ?= default
# For example: --expect introduce, --offline
GATE_FLAGS ?=

.PHONY: plan gate apply

plan:
	$(TERRAFORM) plan -input=false -out plan.bin

# The plan's JSON contains secrets, so it goes through a pipe and is never written to a file. If `show` fails, the pipe is
# empty and tfcert exits with 2. A file or link in the place of the report is removed first.
gate: plan
	rm -f tfcert.json
	$(TERRAFORM) show -json plan.bin | $(TFCERT) check - --policy $(GATE_POLICY) --no-inline-exemptions --config . $(GATE_FLAGS) --format text --format json=tfcert.json

apply: gate
	$(TERRAFORM) apply -input=false plan.bin
