# What CI does, a person can do: every step of the workflows and of .ci/run is a target here.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MODEL_VERSION ?= v1.0.0
TAGS := nomsgpack
export CGO_ENABLED ?= 0

.PHONY: run test race lint build bench e2e

run:            ## serve on :8080
	go run -tags $(TAGS) ./cmd/local

test:           ## the quick loop; needs Go alone
	go test -tags $(TAGS) ./...

# Everything as users run it. One topic: make e2e E2E=./harness/. Each topic's package says what it needs on the machine.
E2E ?= ./...
e2e:            ## end to end: real processes, Docker, Nginx; a Go module of its own
	cd e2e && gofmt -l . | (! grep .) && go vet ./... && go test -count=1 -p 1 -timeout 25m $(E2E)
