# One image, four roles: serve (the API), work, migrate, demo.
#
#   docker build --tag xtream-gateway:0.1.0 .
#   docker build --secret id=pip_conf,src=pip.conf ...   # where packages come from an index of your own
#
# Needs BuildKit or buildah. Guide: docs/deploy.md.

# Pinned by tag, which gets the base's security fixes at each build. Whoever builds releases should
# pin the digest that was tested: --build-arg PYTHON_IMAGE=...@sha256:...
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_COMPILE=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_REQUIRE_VIRTUALENV=1
WORKDIR /src
COPY requirements/pip.txt requirements/build.txt requirements/runtime.txt requirements/
# Wheels only, each with its known hash, so nothing is compiled and no compiler is needed. pip itself
# stays in an environment of its own: the product's has none.
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf \
    python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements/pip.txt \
    && /opt/build/bin/pip install --require-hashes -r requirements/build.txt \
    && python -m venv --without-pip /opt/xtream-gateway \
    && /opt/build/bin/pip --python /opt/xtream-gateway/bin/python install \
        --require-hashes -r requirements/runtime.txt
COPY pyproject.toml ./
COPY gateway gateway
RUN /opt/build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /opt/wheel . \
    && /opt/build/bin/pip --python /opt/xtream-gateway/bin/python install --no-index --no-deps \
        /opt/wheel/*.whl \
    && /opt/xtream-gateway/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        /opt/xtream-gateway/lib


FROM ${PYTHON_IMAGE}
ARG PYTHON_IMAGE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="xtream-gateway" \
      org.opencontainers.image.description="REST and GraphQL gateway to Xtream-style IPTV panels." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"

# The ids are fixed, so that volumes and pod security can name them. State goes to the home folder
# and to /tmp, nowhere else: the root file system may be read-only.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* \
        /usr/local/lib/python3*/ensurepip \
    && groupadd --gid 10001 gateway \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home \
        --home-dir /var/lib/xtream-gateway --shell /usr/sbin/nologin gateway \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/xtream-gateway
COPY --from=build /opt/xtream-gateway /opt/xtream-gateway

ENV PATH=/opt/xtream-gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONUNBUFFERED=1 \
    GATEWAY_BIND=0.0.0.0:8080 \
    GATEWAY_OPS_BIND=0.0.0.0:8081

USER 10001:10001
WORKDIR /var/lib/xtream-gateway
EXPOSE 8080 8081
STOPSIGNAL SIGTERM

# Asks the process whether it lives, on the address where it serves. Only serve and demo listen; the
# other roles are well while they run. Kubernetes has probes of its own and takes no notice.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "\
import http.client, os, sys; \
role = open('/proc/1/cmdline').read().split('\\0'); \
({'serve', 'demo'} & set(role)) or sys.exit(0); \
host, _, port = (os.environ.get('GATEWAY_OPS_BIND') or os.environ['GATEWAY_BIND']).rpartition(':'); \
host = {'0.0.0.0': '127.0.0.1', '[::]': '::1'}.get(host, host.strip('[]')); \
peer = http.client.HTTPConnection(host, int(port), timeout=3); \
peer.request('GET', '/livez'); \
sys.exit(peer.getresponse().status != 200)"]

ENTRYPOINT ["xtream-gateway"]
CMD ["serve"]
