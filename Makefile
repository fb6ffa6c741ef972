# What CI does, a person can do: every step of the workflows and of .ci/run is a target here.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MODEL_VERSION ?= v1.0.0
TAGS := nomsgpack
export CGO_ENABLED ?= 0

# Pinned tools, built by the Go that is here, for this machine whatever GOARCH says.
GOLANGCI_LINT := GOOS= GOARCH= go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS = -s -w -X ml-service/handler.modelVersion=$(MODEL_VERSION) -X ml-service/handler.revision=$(REVISION)

.PHONY: help run test race lint lint-go lint-scripts build bench bench-go e2e
.DEFAULT_GOAL := help

help:           ## what there is
	@sed -nE 's/^([a-z][a-z0-9-]*):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run:            ## serve on :8080
	go run -tags $(TAGS) ./cmd/local

# -trimpath as in the binaries that the tests build, so that the two share what is compiled.
test:           ## the quick loop; needs Go alone
	go test -short -trimpath -tags $(TAGS) ./...

race:           ## the same under the race detector; needs a C compiler
	CGO_ENABLED=1 go test -race -timeout 20m -tags $(TAGS) ./...

lint: lint-go lint-scripts ## code, scripts, workflows, template; needs a C compiler and Python
lint-go:
	@out=$$(gofmt -l $$(git ls-files '*.go')); [[ -z $$out ]] || { echo "gofmt would change: $$out"; exit 1; }
	go vet -tags $(TAGS) ./...
	$(GOLANGCI_LINT) run ./...
	cd e2e && $(GOLANGCI_LINT) run ./...
	cd bench/http && go vet ./...
	cd bench/models && CGO_ENABLED=1 go vet ./...

lint-scripts: lint-workflows # which brings shellcheck
	$(VENVS)/workflows/bin/shellcheck -x -P SCRIPTDIR --severity=warning $$(git ls-files '*.sh' .ci/run)

# GOARCH is handed on by name: make stops exporting a variable for which any target has a value of its own.
build:          ## bin/ml-service, bin/rollout and, for Lambda, bin/bootstrap; stamped
	GOARCH=$(GOARCH) go build -trimpath -pgo=$(PROFILE) -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/ml-service ./cmd/local
	GOARCH=$(GOARCH) go build -trimpath -ldflags '-s -w' -o bin/rollout ./cmd/rollout
	GOOS=linux GOARCH=$(GOARCH) go build -trimpath -tags $(TAGS),lambda.norpc -ldflags '$(LDFLAGS)' -o bin/bootstrap ./cmd/lambda

# What the shipped binary is optimised by: 3 to 4 % less processor time a request. Builds without it differ in speed alone, and are quicker.
PROFILE = cmd/local/cpu.pgo
.PHONY: profile
profile:        ## PROFILE anew, from BenchmarkServe, without this machine's paths; needs perl
	go test -trimpath -tags $(TAGS) -run '^$$' -bench Serve -benchtime 30s -o bin/local.test -cpuprofile bin/cpu.pprof ./cmd/local
	gzip -dc bin/cpu.pprof | perl -pe 's{/[-\w./]*/local\.test}{"x" x length $$&}ge' | gzip -n9 >$(PROFILE)

# PYTHON: any with pip. What is built from is a copy, so that nothing is left in pack/.
PYTHON ?= python3
.PHONY: wheel
wheel:          ## bin/ml_service_pack-*.whl, the Python package of pack/
	rm -rf bin/pack && mkdir -p bin && cp -r pack bin/pack && rm -f bin/ml_service_pack-*.whl
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir bin bin/pack
	rm -rf bin/pack

bench: bench-go bench-lambda bench-models bench-native bench-http ## every measurement of bench/README.md, some 40 minutes
bench-go:       ## Go benchmarks
	go test -tags $(TAGS) -run '^$$' -bench . -benchmem ./tree ./onnx ./handler/... ./cmd/local

# The arithmetic on arm64, under emulation: the bits of the fixtures there too, and of every other output as on this machine.
.PHONY: test-arm64 fuzz
test-arm64:     ## the tests of tree, onnx, model and the codecs for arm64; needs qemu-aarch64
	@command -v qemu-aarch64 >/dev/null || { echo "make test-arm64: qemu-aarch64 is missing: apt-get install qemu-user" >&2; exit 1; }
	@for room in tree onnx xgboost lightgbm catboost model handler/scan handler/predict handler/oip; do \
	  binary="$(CURDIR)/bin/$${room##*/}.arm64"; \
	  GOARCH=arm64 go test -c -tags $(TAGS) -o "$$binary.test" ./$$room; \
	  (cd $$room && timeout 240 qemu-aarch64 "$$binary.test" -test.v) >"$$binary.txt" || { grep -v '^ *=== \|^ *--- PASS' "$$binary.txt"; exit 1; }; \
	  echo "$$room on arm64:"; grep '_test.go\|^PASS' "$$binary.txt"; \
	done
	@here=$$(go test -count=1 -v -tags $(TAGS) -run TestFixtures ./onnx | grep -o 'bits of all outputs: .*'); \
	grep -q "$$here" bin/onnx.arm64.txt || { echo "the outputs on arm64 differ from those here, $$here" >&2; exit 1; }; echo "the same $$here"

RUNS ?= 4000
.PHONY: judge
judge:          ## the judge's operating characteristic by simulation: false rollbacks, and how soon it notices; some two minutes
	go test -count=1 -v -timeout 20m ./rollout/judge -run TestOperatingCharacteristic -runs $(RUNS)

# Every fuzz target that there is, each for FUZZTIME. Minimising is short: Go's own minute for each interesting input left a target of large files 3 new inputs in 2 minutes.
# Until 1.27 Go may fail a target for nothing but the end of FUZZTIME (go.dev/issue/75804); where an input fails, another line stands there.
FUZZTIME ?= 10s
fuzz:           ## every fuzz target; FUZZTIME=10m for a longer run
	@said=$$(mktemp); trap 'rm -f "$$said"' EXIT; \
	for file in $$(git grep -l '^func Fuzz' -- '*_test.go'); do \
	  for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' $$file); do \
	    echo "$${file%/*} $$target"; \
	    nice -n 15 go test -tags $(TAGS) ./$${file%/*} -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x -parallel 1 2>&1 | tee "$$said" || { \
	      grep -A 1 '^--- FAIL: ' "$$said" | grep -qx ' *context deadline exceeded' || exit 1; \
	      echo "$$target: no input failed, FUZZTIME was up"; \
	    }; \
	  done; \
	done

# The twins of the assembly, and 32 bits.
.PHONY: test-purego test-386
test-purego:    ## the tests of what has assembly, without it
	go test -short -tags $(TAGS),purego $$(go list -f '{{.ImportPath}}' $$(git ls-files '*_amd64.s' | xargs -n 1 dirname | sort -u | sed 's|^|./|')) ./onnx ./model
test-386:       ## the tests of tree and onnx for 386, on amd64
	GOARCH=386 go test -short -tags $(TAGS) ./tree ./onnx

# CORE: the core to measure on. The first time takes some minutes: it installs the others, trains the models and compiles them to C.
CORE ?= 1
BENCH_MODELS = $(VENVS)/bench-models
.PHONY: bench-models
bench-models:   ## the model alone against ONNX Runtime, XGBoost and trees as C; needs gcc and Python 3.11
	[[ $$(cat $(BENCH_MODELS)/installed 2>/dev/null) == "$$(cat bench/models/requirements.txt)" ]] || { \
	  python3 -m venv --clear $(BENCH_MODELS) && $(BENCH_MODELS)/bin/pip install --quiet --requirement bench/models/requirements.txt && \
	  cp bench/models/requirements.txt $(BENCH_MODELS)/installed; }
	OMP_NUM_THREADS=1 $(BENCH_MODELS)/bin/python bench/models/prepare.py $(BENCH_MODELS).work
	cd bench/models && CGO_ENABLED=1 go vet . && CGO_ENABLED=1 go build -o $(BENCH_MODELS).work/measure .
	taskset -c $(CORE) $(BENCH_MODELS).work/measure $(BENCH_MODELS).work

# Everything as users run it. One topic: make e2e E2E=./harness/. Each topic's package says what it needs on the machine.
E2E ?= ./...
e2e:            ## end to end: real processes, Docker, Nginx; a Go module of its own
	cd e2e && gofmt -l . | (! grep .) && go vet ./... && go test -count=1 -v -p 1 -timeout 25m $(E2E)

.PHONY: e2e-readme
e2e-readme:     ## README.md as a reader runs it, from a clean clone of HEAD; docs/readme-blocks.md
	$(MAKE) e2e E2E=./readme/

# Continuous delivery: what .github/workflows/ call; docs/delivery.md says what a person does with them.
.PHONY: machine lint-workflows vuln toolchain deploy-client deploy-configuration back-configuration deploy-lambda lambda-live lambda-back release image-push image-check image-find image-tag image-back
VENVS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ml-service

machine:        ## install what race, test-arm64 and e2e need, on Debian or Ubuntu
	.ci/run machine

lint: lint-workflows
lint-workflows: ## the workflows and their scripts
	[[ $$(cat $(VENVS)/workflows/installed 2>/dev/null) == "$$(cat .github/requirements.txt)" ]] || { \
	  python3 -m venv --clear $(VENVS)/workflows && $(VENVS)/workflows/bin/pip install --quiet --requirement .github/requirements.txt && \
	  cp .github/requirements.txt $(VENVS)/workflows/installed; }
	go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 -shellcheck $(VENVS)/workflows/bin/shellcheck
	$(VENVS)/workflows/bin/shellcheck -x -P SCRIPTDIR .github/scripts/*.sh deploy/aws/*.sh install.sh
	$(VENVS)/workflows/bin/zizmor --quiet --offline .github

vuln:           ## known vulnerabilities in what is called; needs vuln.go.dev, or a database at GOVULNDB
	.github/scripts/vuln.sh

toolchain:      ## whether go.mod names the newest patch of its Go; TOOLCHAIN_FIX=1 writes it
	.github/scripts/toolchain.sh

deploy-client:  ## bin/rollout, whose `deploy --api` asks the deployment API for a deployment
	go build -trimpath -ldflags '-s -w' -o bin/rollout ./cmd/rollout

deploy-configuration: # half a configuration fails, none is skipped
	.github/scripts/configuration.sh

back-configuration: # a way back that nobody asked for, or that is not configured, fails
	.github/scripts/back-configuration.sh

deploy-lambda:  ## publish a version on AWS Lambda, check it, and move users as far as STRATEGY says: publish, canary, switch
	deploy/aws/deploy.sh

lambda-live:    ## what users reach on AWS Lambda, beside what the stack's parameters say
	deploy/aws/live.sh

lambda-back:    ## BACK=<number>, or previous: give all users of AWS Lambda that version
	deploy/aws/back.sh

release:        ## TAG=v1.2.3: dist/ with the binaries of a release, their contents and checksums
	.github/scripts/release.sh

# IMAGE, MODEL_VERSION and the rest reach these scripts through the environment, so that no shell reads a value as a command.
image-push:     ## IMAGE=ghcr.io/owner/repo: build, push and join one image a platform
	.github/scripts/image-push.sh

image-check:    ## IMAGE=…@sha256:…: start it and ask it for its health
	.github/scripts/image-check.sh

image-find:     # IMAGE=…:tag: its digest, if it is there
	.github/scripts/image-find.sh

image-tag:      ## IMAGE=…@sha256:…: tag it with MODEL_VERSION and latest
	.github/scripts/image-tag.sh

image-back:     # IMAGE=…, BACK=previous, a digest or a tag: the image to go back to
	.github/scripts/image-back.sh

lint: lint-template
lint-template:  ## template.yaml as SAM and CloudFormation read it, where sam and cfn-lint are there; CI makes it so
	@eval "$$(e2e/aws/ensure.sh env)"; both() { command -v sam && command -v cfn-lint; } >/dev/null; \
	both || [[ -z $${CI:-} ]] || e2e/aws/ensure.sh; \
	if both; then sam validate --lint; cfn-lint deploy/aws/github-role.yaml; else echo "template.yaml is not linted: sam or cfn-lint is missing (e2e/aws/ensure.sh installs them)"; fi

# Server and load on cores of their own; nothing else should run meanwhile.
BENCH_NATIVE = $(VENVS)/bench-native
.PHONY: bench-native
bench-native: build ## the libraries' own files beside ONNX and the libraries, and score beside pandas; needs Python 3.11
	[[ $$(cat $(BENCH_NATIVE)/installed 2>/dev/null) == "$$(cat bench/native/requirements.txt)" ]] || { \
	  python3 -m venv --clear $(BENCH_NATIVE) && $(BENCH_NATIVE)/bin/pip install --quiet --requirement bench/native/requirements.txt && \
	  cp bench/native/requirements.txt $(BENCH_NATIVE)/installed; }
	mkdir -p $(BENCH_NATIVE).work
	OMP_NUM_THREADS=1 $(BENCH_NATIVE)/bin/python bench/native/compare.py $(BENCH_NATIVE).work bin/ml-service

BENCH_HTTP = $(VENVS)/bench-http
.PHONY: bench-http
bench-http:     ## the service against a bare handler and FastAPI, its start, its growth; with NGINX=<binary> through Nginx; needs wrk
	@command -v wrk >/dev/null || { echo "make bench-http: wrk is missing: apt-get install wrk" >&2; exit 1; }
	[[ $$(cat $(BENCH_HTTP)/installed 2>/dev/null) == "$$(cat bench/http/requirements.txt)" ]] || { \
	  python3 -m venv --clear $(BENCH_HTTP) && $(BENCH_HTTP)/bin/pip install --quiet --requirement bench/http/requirements.txt && \
	  cp bench/http/requirements.txt $(BENCH_HTTP)/installed; }
	$(BENCH_HTTP)/bin/python bench/http/start.py
	$(BENCH_HTTP)/bin/python bench/http/ratios.py
	$(BENCH_HTTP)/bin/python bench/http/growth.py
	if [[ -n "$(NGINX)" ]]; then $(BENCH_HTTP)/bin/python bench/http/balancer.py "$(NGINX)"; fi

bench-lambda:   ## how long the bootstrap takes to start, beside a bare one
	go run -tags $(TAGS) ./bench/lambda

# What `sam build` calls, from a copy of the tree and with ARTIFACTS_DIR set. GOARCH and the template's Architecture must
# agree. A model of your own: MODEL_DIR=<folder> MODEL_VERSION=<its version> sam build puts that one version beside the
# bootstrap; a relative MODEL_DIR starts at this file. MEMORY_SIZE is the template's MemorySize, of which a model takes four times its file.
build-MlServiceFunction: GOARCH ?= arm64
build-MlServiceFunction: MEMORY_SIZE ?= 256
build-MlServiceFunction: models := $(if $(MODEL_DIR),$(if $(filter /%,$(MODEL_DIR)),,$(dir $(realpath $(firstword $(MAKEFILE_LIST)))))$(MODEL_DIR),models)
build-MlServiceFunction:
	@compgen -G "$(models)/$(MODEL_VERSION)/model.*" >/dev/null || test -f "$(models)/$(MODEL_VERSION)/remote.json" || { echo "no $(models)/$(MODEL_VERSION)/model.onnx, or another model file: MODEL_DIR must be a folder of <version>/ with a model file each" >&2; exit 1; }
	@bytes=$$(if [[ -f "$(models)/$(MODEL_VERSION)/remote.json" ]]; then sed -E 's/.*"bytes":([0-9]+).*/\1/' "$(models)/$(MODEL_VERSION)/remote.json"; else cat "$(models)/$(MODEL_VERSION)"/model.* | wc -c; fi); need=$$(( (4 * bytes + 1048575) / 1048576 + 64 )); \
	(( need <= $(MEMORY_SIZE) )) || { echo "$(models)/$(MODEL_VERSION) has $$bytes bytes and needs MemorySize $$need, four times the file and 64 MB; the stack has $(MEMORY_SIZE): make deploy-lambda MEMORY_SIZE=$$need, or MEMORY_SIZE=$$need for this build and sam deploy --parameter-overrides MemorySize=$$need" >&2; exit 1; }
	GOOS=linux GOARCH=$(GOARCH) CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags $(TAGS),lambda.norpc \
		-ldflags "-s -w -X ml-service/handler.modelVersion=$(MODEL_VERSION) -X ml-service/handler.revision=$(or $(REVISION),unknown)" \
		-o "$(ARTIFACTS_DIR)/bootstrap" ./cmd/lambda
	$(if $(MODEL_DIR),mkdir -p "$(ARTIFACTS_DIR)/models" && cp -R "$(models)/$(MODEL_VERSION)" "$(ARTIFACTS_DIR)/models/")
