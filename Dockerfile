# docker build -t misure .                               on processors
# docker build -t misure:cuda --build-arg EXTRA=cuda .   with CUDA and cuDNN (needs the NVIDIA container toolkit to run)
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
ARG EXTRA=""
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY misure_onnx misure_onnx
RUN python -m venv /opt/misure \
 && /opt/misure/bin/pip install --no-cache-dir ".[service,reports${EXTRA:+,${EXTRA}}]"

FROM python:${PYTHON}-slim
COPY --from=build /opt/misure /opt/misure
RUN useradd --system --uid 10001 --no-create-home misure \
 && install --directory --owner=misure --mode=0700 /data
ENV PATH=/opt/misure/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    HOME=/tmp
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["misure", "serve", "--host", "0.0.0.0", "--port", "8000", "--data", "/data"]
CMD ["--models", "/models", "--keys", "/run/secrets/misure_keys"]
