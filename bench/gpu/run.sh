#!/bin/sh
# Checks and measures brauer on the NVIDIA device of this machine, in under 8 minutes, and writes results.json and the logs to a folder:
#   sh run.sh [FOLDER]          else $OUT, else results/ beside this file
# Needs the driver alone. Uses compute-sanitizer, and python3 with PyTorch, where they are; rebuilds the runner with CMake and nvcc if it
# does not start. BRAUER_GPU_BENCH_FLAGS holds further flags of the runner (gpu_bench --help). BRAUER_REQUIRE_GPU=1 makes a missing device a failure; else the exit status is then 77. 1: something was wrong.
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-${OUT:-$here/results}}
began=$(date +%s)
all=450
mkdir -p "$out" || exit 1
results=$out/results.json
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0
flags=$BRAUER_GPU_BENCH_FLAGS  # unquoted where it is used: several words

left() {
  echo $((began + all - $(date +%s)))
}
# The time that is left for a part, at most $1 seconds and at least 1.
most() {
  seconds=$(left)
  [ "$seconds" -gt "$1" ] && seconds=$1
  [ "$seconds" -lt 1 ] && seconds=1
  echo "$seconds"
}
# The file is a JSON array, whole after every row.
add_row() {
  sed '$d' "$results" | sed '$s/$/,/' >"$work/rows" && printf '%s\n]\n' "$1" >>"$work/rows" && cp "$work/rows" "$results"
}

runner=$here/gpu_bench
if ! "$runner" --help >"$work/start.log" 2>&1; then
  echo "gpu_bench does not start here, it is built anew:"
  cat "$work/start.log"
  cmake -S "$here/source" -B "$work/build" -DBRAUER_ADDON=OFF -DBRAUER_GPU_BENCH=ON -DWITH_CUDA=ON >"$out/build.log" 2>&1 &&
    cmake --build "$work/build" --target gpu_bench --parallel "$(nproc)" >>"$out/build.log" 2>&1 || {
    tail -n 20 "$out/build.log"
    exit 1
  }
  runner=$work/build/gpu_bench
  began=$(date +%s)
fi

echo "right answers"
timeout "$(most 120)" "$runner" --data "$here/data" --out "$results" --phases vectors,gradients $flags
code=$?
if [ $code -eq 77 ] || ! grep -q '"kind": "machine"' "$results"; then
  exit $code
fi
if [ $code -ne 0 ]; then
  status=1
  [ $code -ge 124 ] && add_row "{\"kind\": \"failure\", \"case\": \"vectors and gradients\", \"reason\": \"ended with status $code\"}"
fi

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)
for tool in memcheck racecheck synccheck; do
  if [ -z "$sanitizer" ]; then
    add_row "{\"kind\": \"skip\", \"case\": \"compute-sanitizer $tool\", \"reason\": \"not installed\"}"
    continue
  fi
  echo "compute-sanitizer $tool"
  # 29: every map and dtype comes up, over the layers.
  timeout "$(most 30)" "$sanitizer" --tool "$tool" --error-exitcode 9 \
    "$runner" --data "$here/data" --out "$work/$tool.json" --phases vectors --every 29 $flags >"$out/$tool.log" 2>&1
  code=$?
  if grep -q 'Device not supported' "$out/$tool.log"; then
    add_row "{\"kind\": \"skip\", \"case\": \"compute-sanitizer $tool\", \"reason\": \"device not supported\"}"
  elif [ $code -eq 124 ]; then
    add_row "{\"kind\": \"skip\", \"case\": \"compute-sanitizer $tool\", \"reason\": \"not done in time, no error before\"}"
  elif [ $code -ne 0 ]; then
    status=1
    add_row "{\"kind\": \"failure\", \"case\": \"compute-sanitizer $tool\", \"reason\": \"status $code, see $tool.log\"}"
  else
    add_row "{\"kind\": \"check\", \"name\": \"compute-sanitizer $tool\", \"passed\": 1, \"failed\": 0}"
  fi
done

echo "times"
timeout "$(most 240)" "$runner" --data "$here/data" --out "$results" --append --phases rates,suite --truth "$work" $flags
code=$?
[ $code -ne 0 ] && status=1
[ $code -ge 124 ] && add_row "{\"kind\": \"failure\", \"case\": \"rates and suite\", \"reason\": \"ended with status $code\"}"

if [ -d "$here/node" ]; then
  echo "JavaScript"
  sh "$here/node/run.sh" "$(most 60)" >"$out/node.log" 2>&1
  code=$?
  tail -n 3 "$out/node.log"
  if [ $code -eq 0 ]; then
    add_row "{\"kind\": \"check\", \"name\": \"layers from JavaScript\", \"passed\": 1, \"failed\": 0}"
  else
    status=1
    add_row "{\"kind\": \"failure\", \"case\": \"layers from JavaScript\", \"reason\": \"status $code, see node.log\"}"
  fi
fi

if python3 -c 'import torch; raise SystemExit(not torch.cuda.is_available())' >/dev/null 2>&1; then
  echo "PyTorch"
  PYTHONDONTWRITEBYTECODE=1 timeout "$(most 300)" \
    python3 "$here/python/torch_suite.py" "$here/data" "$work" "$results" "$(most 280)" >"$out/torch.log" 2>&1
  code=$?
  [ $code -ne 0 ] && add_row "{\"kind\": \"skip\", \"case\": \"the rest\", \"contender\": \"torch\", \"reason\": \"status $code, see torch.log\"}"
else
  add_row '{"kind": "skip", "case": "all", "contender": "torch", "reason": "no python3 with PyTorch that sees a device"}'
fi

"$runner" --phases table --out "$results" | tee "$out/table.txt"
exit $status
