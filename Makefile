# The only door: people and CI call these targets and nothing else. `make help` prints what follows the `##`.

CARGO ?= cargo
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
export RUST_LIB_BACKTRACE := 0

.DEFAULT_GOAL := help
.PHONY: help
help: ## print this
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 16

.PHONY: run
run: ## start the platform on this machine, without Kubernetes, with the quickstart on it; AWS=1: with Elastic IPs, Route 53 and a bucket too, played here; Ctrl-C ends all
ifdef AWS
	$(CARGO) build --workspace --bins
	MOTO=$$(e2e/tools/moto) KUBECTL=$$(e2e/tools/kubectl) target/debug/quickstart-aws
else
	$(CARGO) build --workspace --bin flynn-operator
	target/debug/flynn-operator up manifests/examples/quickstart --data-dir target/quickstart
endif

.PHONY: run-kubernetes
run-kubernetes: build control-plane ## the same on a real control plane, with played Pods
	FLYNN_CONTROL_PLANE=$$(e2e/tools/control-plane) KUBECTL=$$(e2e/tools/kubectl) target/debug/playground

.PHONY: build
build: ## build everything, for development
	$(CARGO) build --workspace --bins

.PHONY: test
test: unit desync e2e e2e-embedded parity ## run all tests: of the crates, of the router before real servers, then of the whole on both Kubernetes APIs, and these two compared

.PHONY: unit
unit: ## run the tests of the crates
	$(CARGO) test --workspace

# Of the whole workspace, although they are in one crate: with `-p e2e` the features differ, and all dependencies would be built again.
TESTS = $(CARGO) test --workspace --offline
BUILD_TESTS = $(CARGO) test --workspace --no-run --test behaviours --test parity --test desync

# They wait for what the operator waits for, some for minutes, and need little beside: more of them run at once than there are CPUs.
BEHAVIOURS = e2e/netns $(TESTS) --test behaviours -- --test-threads=6

.PHONY: e2e
e2e: build control-plane ## run the tests of the whole, on a real kube-apiserver in a network namespace; FILTER=name runs some
	$(BUILD_TESTS)
	FLYNN_CONTROL_PLANE=$$(e2e/tools/control-plane) KUBECTL=$$(e2e/tools/kubectl) MOTO=$$(e2e/tools/moto) \
	    $(BEHAVIOURS) $(FILTER)

# What the operator does when AWS fails, or when it dies itself between two calls, is the same on either Kubernetes API.
.PHONY: e2e-embedded
e2e-embedded: build ## run the tests of the whole on the embedded Kubernetes API; FILTER=name runs some
	$(BUILD_TESTS)
	E2E_API=embedded KUBECTL=$$(e2e/tools/kubectl) MOTO=$$(e2e/tools/moto) \
	    $(BEHAVIOURS) $(or $(FILTER),--skip ::faults:: --skip ::crash::)

.PHONY: crash
crash: build ## kill the embedded Kubernetes API 200 times while clients write and watch, and look for what is lost
	$(BUILD_TESTS)
	CRASHES=200 MOTO=$$(e2e/tools/moto) e2e/netns $(TESTS) --test behaviours -- --nocapture crash::

.PHONY: parity
parity: build control-plane ## play the transcripts on the real and on the embedded Kubernetes API, and compare
	$(BUILD_TESTS)
	FLYNN_CONTROL_PLANE=$$(e2e/tools/control-plane) KUBECTL=$$(e2e/tools/kubectl) HELM=$$(e2e/tools/helm) \
	    e2e/netns $(TESTS) --test parity -- $(FILTER)

.PHONY: desync
desync: build ## send hostile requests through the router to nginx, Node, Python and Go, and compare what each saw
	$(BUILD_TESTS)
	NGINX=$$(e2e/tools/nginx) GO_BACKEND=$$(e2e/tools/go-backend) \
	    e2e/netns $(TESTS) --test desync -- --nocapture

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: ## search for inputs that break a law of the router, for FUZZ_SECONDS=60 each; FUZZ_TARGET=request for one
	fuzz=$$(e2e/tools/cargo-fuzz); cd router/fuzz; \
	    for target in $${FUZZ_TARGET:-$$(basename --suffix .rs --multiple targets/*.rs)}; do \
	        mkdir -p corpus/$$target; \
	        $$fuzz run --fuzz-dir . --target-dir ../../target/fuzz --sanitizer none $$target corpus/$$target seeds/$$target -- \
	            -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -print_final_stats=1; \
	    done

.PHONY: accept
accept: build control-plane ## run the acceptance stories: kubectl, curl and kill, as a person would
	for story in e2e/accept/*.sh; do echo "== $$story"; "$$story"; done

.PHONY: suites
suites: suites-http2 suites-autobahn suites-slow suites-tls suites-redbot ## run all suites of others against the router

.PHONY: suites-autobahn
suites-autobahn: ## run Autobahn's cases through the router, beside the same without it; skipped without Python 2.7
	$(CARGO) build -p router --bins
	e2e/suites/autobahn.sh

.PHONY: suites-slow
suites-slow: ## run slowhttptest's attacks against the router, while another client goes on asking
	$(CARGO) build -p router --bins
	e2e/suites/slow.sh

.PHONY: suites-redbot
suites-redbot: ## run REDbot on resources, with the router between and without
	$(CARGO) build -p router --bins
	e2e/suites/redbot.sh

.PHONY: suites-tls
suites-tls: ## scan the router's TLS
	$(CARGO) build -p router --bins
	e2e/suites/tls.sh

.PHONY: idle
idle: ## hold 50,000 idle connections and 2,000 slow readers, and measure what they cost; ARGS=--connections=1000 for a quick look
	$(CARGO) build --release -p router -p e2e --bins
	e2e/netns target/release/siege $(ARGS)

.PHONY: suites-http2
suites-http2: ## run h2spec and httpwg, conformance suites for HTTP/2, against the router
	$(CARGO) build -p router --bins
	e2e/suites/http2.sh

.PHONY: check
check: ## format, lints, documentation, licences and dependency arrows, generated files
	$(CARGO) fmt --check
	$(CARGO) clippy --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --quiet
	$$(e2e/tools/cargo-deny) --log-level error check --hide-inclusion-graph bans licenses sources
	@impure=$$($(CARGO) tree -p plan --edges normal --prefix none | grep -E '^(aws-(config|sdk|smithy)|hyper|kube-(client|runtime)|reqwest|tokio|tower)' || true); \
	    test -z "$$impure" || { echo "plan is pure, but its tree has:"; echo "$$impure"; exit 1; }
	$(MAKE) --no-print-directory generate
	@drift=$$(git status --porcelain -- crds/yaml manifests/install) && test -z "$$drift" || \
	    { echo "generated files differ from what is committed; commit these:"; echo "$$drift"; exit 1; }

.PHONY: generate
generate: build ## write the files that are generated from code: crds/yaml and manifests/install
	$(CARGO) run --quiet --package crds --example generate crds/yaml
	target/debug/flynn-operator manifests --output manifests/install

.PHONY: golden
golden: ## write the expected outputs of the planner's cases anew; read the diff before committing it
	UPDATE_GOLDEN=1 $(CARGO) test -p plan --test golden --test aws

.PHONY: bench
bench: ## measure the router beside nginx and HAProxy; ARGS=--rounds=1 for a quick look
	$(CARGO) build --release -p router -p e2e --bins
	NGINX=$$(e2e/tools/nginx) HAPROXY=$$(e2e/tools/haproxy) WRK=$$(e2e/tools/wrk) H2LOAD=$$(e2e/tools/h2load) \
	    e2e/netns target/release/bench-router $(ARGS)

.PHONY: bench-apply
bench-apply: control-plane ## measure from `kubectl apply` to the first 200, at 10, 1,000 and 10,000 Routes
	$(CARGO) build --release -p flynn-operator -p e2e --bins
	FLYNN_CONTROL_PLANE=$$(e2e/tools/control-plane) KUBECTL=$$(e2e/tools/kubectl) \
	    e2e/netns target/release/bench-apply

.PHONY: bench-standalone
bench-standalone: control-plane ## measure the embedded Kubernetes API beside a real control plane, and `flynn-operator up`
	$(CARGO) build --release -p flynn-operator -p e2e --bins
	FLYNN_CONTROL_PLANE=$$(e2e/tools/control-plane) KUBECTL=$$(e2e/tools/kubectl) \
	    e2e/netns target/release/bench-standalone

# What it measures are seconds of waiting, so that the build for development does.
.PHONY: bench-dns
bench-dns: build control-plane ## measure a node's way into DNS and out of it, on the doubles of AWS, beside external-dns
	FLYNN_CONTROL_PLANE=$$(e2e/tools/control-plane) KUBECTL=$$(e2e/tools/kubectl) MOTO=$$(e2e/tools/moto) \
	    e2e/netns target/debug/bench-dns $(ARGS)

STEPS ?= 100
.PHONY: faults
faults: build control-plane ## lead a random life of STEPS=100 steps on the doubles of AWS, which fail in every way; SEED=number repeats one
	$(BUILD_TESTS)
	FLYNN_CONTROL_PLANE=$$(e2e/tools/control-plane) KUBECTL=$$(e2e/tools/kubectl) MOTO=$$(e2e/tools/moto) STEPS=$(STEPS) \
	    e2e/netns $(TESTS) --test behaviours -- --nocapture addresses::faults

.PHONY: facts
facts: control-plane ## write the facts of the built-in kinds anew, from the API server of the kubeconfig
	KUBECTL=$$(e2e/tools/kubectl) $(CARGO) run -p schema --example facts -- operator/standalone/schema/src/kubernetes.json

.PHONY: control-plane
control-plane: ## build the real kube-apiserver, controller-manager and etcd, once a machine, and get kubectl
	@e2e/tools/control-plane
	@e2e/tools/kubectl

.PHONY: fmt
fmt: ## format the code
	$(CARGO) fmt
