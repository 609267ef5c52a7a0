# The server as an image: built with the Rust version of the workspace, run without a compiler and without root.
#   docker build -t flight-monitor . && docker run --rm -p 8081:8081 flight-monitor serve --demo

FROM node:22-bookworm-slim AS page
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
COPY --from=page /web/dist/page web/dist/page
# The caches survive a build, so that a change of the source recompiles no dependency. Cargo compares modification times,
# and a source file may be older than the cached artefact of another version of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    find . -name '*.rs' -not -path './target/*' -exec touch {} + \
    && cargo build --release --locked --bin flight-monitor \
    && install -D target/release/flight-monitor /out/flight-monitor \
    && install -d -o 10001 -g 10001 /out/data

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="flight-monitor" \
      org.opencontainers.image.description="Live flights from the OpenSky Network: Kafka, TimescaleDB and Server-Sent Events in one server." \
      org.opencontainers.image.source="https://github.com/opensky-flight-monitor/flight-monitor" \
      org.opencontainers.image.licenses="MIT"
# hadolint ignore=DL3008 # the newest certificates
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin flight-monitor
COPY --from=build /out/flight-monitor /usr/local/bin/flight-monitor
COPY --from=build --chown=10001:10001 /out/data /data

# `config.yaml`, `data/` and `credentials.json` of the defaults are /config.yaml, /data and /credentials.json. Only /data is ever written.
WORKDIR /
VOLUME /data
USER 10001:10001
# In a container the loopback address is not reachable from outside.
ENV HTTP_HOST=0.0.0.0
EXPOSE 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["flight-monitor", "health"]
ENTRYPOINT ["flight-monitor"]
CMD ["serve"]
