# Usher with Chromium. Nothing runs as root, so Chromium keeps its sandbox; that needs user namespaces, which Docker's
# default seccomp profile refuses to containers: run with `--security-opt seccomp=unconfined` or a profile that allows
# `clone` and `unshare` with CLONE_NEWUSER.
#
#   docker build -t usher . && docker run -p 127.0.0.1:8080:8080 -v usher-data:/data --security-opt seccomp=unconfined usher

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin usher

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates chromium fonts-dejavu-core tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /home/usher usher \
 && install -d -o usher -g usher -m 0700 /data
COPY --from=build /src/target/release/usher /usr/local/bin/usher
COPY --from=build /src/connectors /usr/local/share/usher/connectors
USER usher
ENV USHER_DATA=/data USHER_CONNECTORS=/usr/local/share/usher/connectors
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["usher", "health", "--url", "http://127.0.0.1:8080"]
# Chromium leaves processes behind that only process 1 can reap.
ENTRYPOINT ["tini", "--", "usher"]
CMD ["serve", "--listen", "0.0.0.0:8080"]
