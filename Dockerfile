# One image serves every model version in its /models: MODEL_VERSION at build time picks the default, MODEL_VERSION in the
# environment picks at start. A folder of <version>/ mounted there takes their place; MODELS names another one at build time.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG MODEL_VERSION=v1.0.0
ARG REVISION=unknown
ARG MODELS=models
RUN mkdir /models && cp -R "$MODELS"/*/ /models/ && chmod -R a+rX /models && mkdir -m 0700 /record
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -pgo=cmd/local/cpu.pgo -tags nomsgpack -trimpath -buildvcs=false \
    -ldflags "-s -w -X ml-service/handler.modelVersion=$MODEL_VERSION -X ml-service/handler.revision=$REVISION" -o /ml-service ./cmd/local

FROM scratch
ARG MODEL_VERSION=v1.0.0
ARG REVISION=unknown
ARG MODELS=models
LABEL org.opencontainers.image.title="ml-service" \
      org.opencontainers.image.description="A trained tabular model behind one small HTTP handler" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$MODEL_VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      ml-service.models="$MODELS"
COPY --from=build /ml-service /ml-service
COPY --from=build /models /models
# Where RECORD_DIR may point: a volume that is mounted here is the user's own.
COPY --from=build --chown=65532:65532 /record /record
ENV MODEL_DIR=/models
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["/ml-service", "healthcheck"]
ENTRYPOINT ["/ml-service"]
