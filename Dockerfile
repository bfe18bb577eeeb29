# syntax=docker/dockerfile:1

# docker build -t genesys-ingestor .                    the ingestor
# docker build -t genesys-sandbox --target sandbox .    the sandbox
#
# Both images hold one static binary, certificates of authorities, and no shell.

# The whole version: the same source gives the same binary, to the byte.
ARG GO_VERSION=1.26.8

FROM --platform=$BUILDPLATFORM golang:${GO_VERSION} AS build
WORKDIR /src
# A layer of its own: modules change less often than code.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY api api
COPY cmd cmd
COPY internal internal
ARG TARGETOS TARGETARCH VERSION=devel
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -buildvcs=false -ldflags="-s -w -X main.version=${VERSION}" -o /out/ ./cmd/...
# scratch has no directories: these are for the streams of the sandbox.
RUN mkdir -p /root-fs/tmp && chmod 1777 /root-fs/tmp

FROM scratch AS base
# Certificates for Genesys Cloud and NATS. Time zones are inside the binary.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# A number, so that an orchestrator can verify that it is not root.
USER 65532:65532
ARG VERSION=devel REVISION=unknown CREATED=unknown
LABEL org.opencontainers.image.source="https://github.com/recorderbridge/genesys-ingestor" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The genesys-ingestor authors" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

FROM base AS sandbox
LABEL org.opencontainers.image.title="genesys-sandbox" \
      org.opencontainers.image.description="The genesys-ingestor with a simulated Genesys Cloud organization and an embedded NATS server"
COPY --from=build /root-fs/tmp /tmp
COPY --from=build /out/ingestor /out/sandbox /
ENTRYPOINT ["/sandbox"]

FROM base AS ingestor
LABEL org.opencontainers.image.title="genesys-ingestor" \
      org.opencontainers.image.description="Publishes Genesys Cloud call notifications as recorder control events on NATS"
COPY LICENSE /LICENSE
COPY --from=build /out/ingestor /ingestor
# Metrics, health and status page.
EXPOSE 8080
# The binary asks itself: there is no shell and no curl. It is unhealthy when it
# does not answer, not when NATS or Genesys is away: a restart mends neither.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["/ingestor", "health"]
# The process hands over and flushes before it ends.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/ingestor"]
