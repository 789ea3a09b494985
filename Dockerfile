# Builds the images of Rondpoint:
#
#   docker build -t rondpoint .                                     agent or proxy; unprivileged user
#   docker build -t rondpoint:all-in-one --target all-in-one .      store, agent, proxy; flags of Traefik's image
#   docker build -t rondpoint:registrator --target registrator .    the registrar; flags of Registrator's image
#
# Without access to a registry: run `pip wheel --wheel-dir wheels -r requirements/run.txt .` on a machine like the
# image's first, and choose another base image with `--build-arg PYTHON=…`.

ARG PYTHON=python:3.13-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /src
COPY . .
# One dependency is compiled from source. The compiler stays in this stage.
RUN set -eu; \
    if [ ! -d wheels ]; then \
        apt-get update; \
        apt-get install --yes --no-install-recommends gcc libc6-dev; \
        python3 -m venv /build; \
        /build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt; \
        /build/bin/pip wheel --no-cache-dir --wheel-dir wheels --require-hashes --no-build-isolation \
            -r requirements/run.txt; \
        /build/bin/pip wheel --no-cache-dir --wheel-dir wheels --no-deps --no-build-isolation .; \
    fi; \
    python3 -m venv /opt/rondpoint; \
    /opt/rondpoint/bin/pip install --no-cache-dir --no-index --no-deps wheels/*.whl; \
    /opt/rondpoint/bin/python -m pip uninstall --yes pip setuptools wheel; \
    /opt/rondpoint/bin/python -m compileall -q /opt/rondpoint/lib

FROM ${PYTHON} AS base
RUN groupadd --system --gid 10001 rondpoint && \
    useradd --system --uid 10001 --gid rondpoint --home-dir /var/lib/rondpoint --create-home rondpoint
COPY --from=build /opt/rondpoint /opt/rondpoint
ENV PATH=/opt/rondpoint/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    RONDPOINT_WEBADDRESS=:80
# Rondpoint looks for a mounted traefik.toml here.
WORKDIR /
EXPOSE 80 8080
# Failures in the first 10 s do not count.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["rondpoint", "healthcheck", "--process=1"]
ENTRYPOINT ["rondpoint"]

# Root is for the Docker socket only: the agent stays root, store and proxy run as the user rondpoint.
FROM base AS all-in-one
ENV RONDPOINT_USER=rondpoint

FROM base AS registrator
HEALTHCHECK NONE
ENTRYPOINT ["rondpoint", "registrator"]

FROM base AS rondpoint
ENV RONDPOINT_STATEDIRECTORY=/var/lib/rondpoint
USER rondpoint
