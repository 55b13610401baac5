// Rows of elements from some arrays of a device to others: where they arrive, what stays, and what is refused or fails.
#include <algorithm>
#include <memory>
#include <vector>

#include "check.h"
#include "core/cuda.h"
#include "cuda/fixture.h"

using namespace brauer;
using namespace brauer::cuda;
using emulation::Call;

namespace {

// Items of two extents [outer, 3] whose corners [inner, 2] are cut out, and long rows, of elements of so many bytes.
struct Moves {
  int bytes;
  std::int64_t spread_size, packed_size, row;
  std::vector<double> items, rows;

  std::vector<double> words(bool spreads, bool clears) const {
    const double sizes[] = {double(spreads ? packed_size : spread_size), double(spreads ? spread_size : packed_size)};
    std::vector<double> result = {clears ? 1.0 : 0.0,
                                  1,
                                  1,
                                  sizes[0],
                                  sizes[1],
                                  spreads ? 1.0 : 0.0,
                                  spreads ? 0.0 : 1.0,
                                  double(row),
                                  double(items.size()),
                                  double(rows.size())};
    result.insert(result.end(), items.begin(), items.end());
    result.insert(result.end(), rows.begin(), rows.end());
    return result;
  }
};

std::vector<unsigned char> counted(std::int64_t size, int seed) {
  std::vector<unsigned char> bytes(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<unsigned char>(i * 7 + i / 251 + seed);
  return bytes;
}

// The bytes of the output after a run on contents that are known before.
Status run(const Moves& moves, bool spreads, bool clears, std::vector<unsigned char>& result) {
  Status status;
  const auto copier = make_copier(0, moves.bytes, status);
  if (!copier) return status;
  const std::vector<double> words = moves.words(spreads, clears);
  const auto mover = make_mover(*copier, words.data(), words.size(), status);
  if (!mover) return status;
  const std::int64_t sizes[] = {(spreads ? moves.packed_size : moves.spread_size) * moves.bytes,
                                (spreads ? moves.spread_size : moves.packed_size) * moves.bytes};
  void* operands[2] = {};
  std::shared_ptr<const DeviceArray> arrays[2];
  for (int i = 0; i < 2; i++) {
    arrays[i] = make_array(0, sizes[i], status);
    if (!arrays[i]) return status;
    operands[i] = arrays[i]->data();
    auto host = counted(sizes[i], i);
    void* const both[] = {host.data(), operands[i]};
    const bool there[] = {false, true};
    status = copier->run_resident(sizes[i] / moves.bytes, both, there, nullptr);
    if (!status.ok()) return status;
  }
  const bool within[] = {true, true}, here[] = {true, false};
  status = mover->run_resident(1, operands, within, nullptr);
  if (!status.ok()) return status;
  result.resize(std::size_t(sizes[1]));
  void* const both[] = {operands[1], result.data()};
  return copier->run_resident(sizes[1] / moves.bytes, both, here, nullptr);
}

std::vector<unsigned char> wanted(const Moves& moves, bool spreads, bool clears) {
  const auto from = counted((spreads ? moves.packed_size : moves.spread_size) * moves.bytes, 0);
  auto to = counted((spreads ? moves.spread_size : moves.packed_size) * moves.bytes, 1);
  if (clears) std::fill(to.begin(), to.end(), 0);
  std::int64_t packed = 0;
  for (const double item : moves.items) {
    for (const double row : moves.rows) {
      const auto spread = std::int64_t(item + row) * moves.bytes;
      const std::int64_t source = spreads ? packed : spread, target = spreads ? spread : packed;
      std::copy_n(from.begin() + source, moves.row * moves.bytes, to.begin() + target);
      packed += moves.row * moves.bytes;
    }
  }
  return to;
}

std::vector<Moves> cases() {
  std::vector<Moves> result;
  for (const int bytes : {2, 4, 8}) {
    result.push_back({bytes, 60, 24, 2, {36, 0, 12}, {0, 3, 9, 6}});
    result.push_back({bytes, 7, 1, 1, {4}, {2}});
    for (const std::int64_t row : {1023, 1024, 1025, 5000})
      result.push_back({bytes, 3 * row + 5, 2 * row, row, {double(2 * row), 1}, {3}});
    result.push_back({bytes, 900, 301, 1, std::vector<double>(1, 0), {}});
    for (int i = 0; i < 300; i++) result.back().rows.push_back(3 * ((i * 7) % 300));
  }
  return result;
}

void rows_arrive() {
  for (const Moves& moves : cases()) {
    for (const bool spreads : {false, true}) {
      for (const bool clears : {false, true}) {
        CHECK(emulation::reset());
        std::vector<unsigned char> result;
        const Status status = run(moves, spreads, clears, result);
        CHECK_WITH(
            status.ok() && result == wanted(moves, spreads, clears),
            std::to_string(moves.row) + " elements of " + std::to_string(moves.bytes) + " bytes: " + status.message);
        CHECK((emulation::live() == emulation::Live{0, 0, 0}));
      }
    }
  }
}

void operands_lie_on_the_device() {
  CHECK(emulation::reset());
  Status status;
  const auto copier = make_copier(0, 4, status);
  const std::vector<double> words = {0, 1, 1, 2, 2, 0, 1, 2, 1, 1, 0, 0};
  const auto mover = make_mover(*copier, words.data(), words.size(), status);
  if (!CHECK_WITH(mover != nullptr, status.message)) return;
  float from[2] = {}, to[2] = {};
  void* const operands[] = {from, to};
  const bool here[] = {false, false};
  CHECK(mover->run_resident(1, operands, here, nullptr).code == Code::invalid_argument);
  CHECK(mover->run(1, operands, 1, nullptr).code == Code::invalid_argument);
  CHECK(make_mover(*mover, words.data(), words.size(), status) == nullptr && status.code == Code::invalid_argument);
  const std::atomic<bool> cancelled{true};
  const bool there[] = {true, true};
  CHECK(mover->run_resident(1, operands, there, &cancelled).code == Code::aborted);
}

void every_call_fails(Code code) {
  bool done = false;
  const Moves moves = cases().front();
  std::int64_t n = 1;
  for (; !done; n++) {
    CHECK(emulation::reset());
    emulation::fail(Call::any, n, code);
    std::vector<unsigned char> result;
    const Status status = run(moves, true, true, result);
    done = status.ok();
    CHECK_WITH(done || status.code == code, "call " + std::to_string(n) + ": " + status.message);
    CHECK_WITH((emulation::live() == emulation::Live{0, 0, 0}), "call " + std::to_string(n) + " leaves what it took");
  }
  CHECK(n > 15);
}

}  // namespace

int main() {
  rows_arrive();
  operands_lie_on_the_device();
  for (const Code code : {Code::out_of_memory, Code::device_lost}) every_call_fails(code);
  return check::finish();
}
