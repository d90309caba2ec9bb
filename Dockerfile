# Stylizes pictures in a container: docs/how-to/container.md.
#   docker build --tag rnst .                              the CPU build of PyTorch
#   docker build --tag rnst-cuda --build-arg TORCH=cuda .  the CUDA build
FROM python:3.13-slim

ARG TORCH=cpu
RUN pip install --no-cache-dir uv
WORKDIR /rnst

# torch first: it is large, and changes more rarely than this project.
COPY pyproject.toml ./
RUN python - <<'EOS' > /versions
import tomllib
for line in tomllib.load(open("pyproject.toml", "rb"))["tool"]["uv"]["constraint-dependencies"]:
    print(line)
EOS
RUN if [ "$TORCH" = cpu ]; then index="--index-url https://download.pytorch.org/whl/cpu"; fi \
    && uv pip install --system --no-cache $index $(grep -E '^torch(vision)?==' /versions)

COPY README.md LICENSE ./
COPY checkpoints checkpoints
COPY configs configs
COPY rnst rnst
RUN uv pip install --system --no-cache --constraint /versions .

ENV OMP_WAIT_POLICY=passive HOME=/tmp
WORKDIR /pictures
ENTRYPOINT ["rnst", "stylize"]
