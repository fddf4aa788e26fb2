# syntax=docker/dockerfile:1

# Each platform is built by a machine of that platform (see .github/workflows/images.yml): on Alpine the
# default target is musl, so the result is one static binary and there is no cross toolchain to keep.
ARG RUST_VERSION=1.95

FROM rust:${RUST_VERSION}-alpine AS build
# A C compiler and libc headers: ring, under rustls, has C and assembly in it, and SQLite is C.
RUN apk add --no-cache build-base
WORKDIR /src
COPY . .
# What `fly-autoscaler version` says; the build context has no .git to ask.
ARG FAS_COMMIT=unknown
ENV FAS_COMMIT=${FAS_COMMIT}
# The caches keep crates and objects between builds on one builder; the binary has to leave the mount.
# One cache per platform, because both write to the same target directory.
ARG TARGETARCH
RUN --mount=type=cache,id=cargo-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=target-${TARGETARCH},target=/src/target \
    cargo build --release --locked --bin fly-autoscaler \
    && cp target/release/fly-autoscaler /fly-autoscaler

# No shell and no package manager, but the CA certificates that rustls reads from the platform.
FROM gcr.io/distroless/static-debian12:nonroot
LABEL org.opencontainers.image.title="fly-autoscaler" \
      org.opencontainers.image.description="A metrics-based autoscaler for Fly.io Machines that says why" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /fly-autoscaler /usr/local/bin/fly-autoscaler
COPY LICENSE /LICENSE
# By number, so that a platform can tell without /etc/passwd that it is not root.
USER 65532:65532
# /metrics, /healthz, /readyz, /status
EXPOSE 9090
ENTRYPOINT ["fly-autoscaler"]
CMD ["serve"]
