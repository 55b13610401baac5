#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "cuda/copier.h"
#include "cuda/kernels/rows.h"
#include "cuda/memory.h"

// Rows of elements from some arrays of a device to others.
namespace brauer::cuda {
namespace {

constexpr std::int64_t kMostJobs = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMostBlocks = 4096;

struct Move {
  std::size_t spread, packed;  // operands
  std::int64_t row;
  std::vector<std::int64_t> items, rows;
};

Status refuse(const std::string& what, const std::string& received) {
  return Status::error(Code::invalid_argument, "mover: expected " + what + ", received " + received);
}

// Integers, read one after the other.
class Words {
 public:
  Words(const double* words, std::size_t count) : words_(words), count_(count) {}

  bool done() const { return at_ == count_; }
  std::int64_t next(std::int64_t most) {
    if (at_ < count_ && words_[at_] >= 0 && words_[at_] <= double(most) &&
        words_[at_] == double(std::int64_t(words_[at_])))
      return std::int64_t(words_[at_++]);
    right_ = false;
    return 0;
  }
  // So many integers.
  std::vector<std::int64_t> list(std::int64_t length, std::int64_t most) {
    std::vector<std::int64_t> result;
    for (std::int64_t i = 0; i < length && right_; i++) result.push_back(next(most));
    return result;
  }
  std::int64_t left() const { return std::int64_t(count_ - at_); }
  bool right() const { return right_; }

 private:
  const double* words_;
  std::size_t count_, at_ = 0;
  bool right_ = true;
};

std::int64_t pieces_of(const Move& move) { return (move.row + kRowPiece - 1) / kRowPiece; }

class Mover final : public Executable {
 public:
  Mover(const Copier& copier) : lanes_(copier.lanes()), bytes_(copier.operand(0).element_bytes) {}

  // Elements of 8 bytes go as two of 4.
  Status init(const double* data, std::size_t count) {
    constexpr std::int64_t kMost = std::int64_t(1) << 50;
    Words words(data, count);
    clears_ = words.next(1) == 1;
    inputs_ = std::size_t(words.next(words.left()));
    const std::int64_t outputs = words.next(words.left());
    const std::vector<std::int64_t> sizes = words.list(std::int64_t(inputs_) + outputs, kMost);
    for (std::size_t i = 0; i < sizes.size(); i++) operands_.push_back({i >= inputs_, true, sizes[i], bytes_});
    const std::int64_t scale = bytes_ == 8 ? 2 : 1, last = std::int64_t(sizes.size()) - 1;
    while (words.right() && !words.done()) {
      Move move;
      move.spread = std::size_t(words.next(last)), move.packed = std::size_t(words.next(last));
      move.row = words.next(kMost);
      const std::int64_t items = words.next(words.left()), rows = words.next(words.left());
      move.items = words.list(items, kMost), move.rows = words.list(rows, kMost);
      if (!words.right()) break;
      const Status status = check(move);
      if (!status.ok()) return status;
      if (items == 0 || rows == 0 || move.row == 0) continue;
      move.row *= scale;
      for (auto* const list : {&move.items, &move.rows})
        for (std::int64_t& offset : *list) offset *= scale;
      if (pieces_of(move) > kMostJobs / items / rows) return refuse("fewer than 2^31 rows", "more");
      moves_.push_back(std::move(move));
    }
    return words.right() ? Status{} : refuse("integers in the order of its format", "others");
  }

  int device() const override { return lanes_->device(); }
  WorkCounts work(std::int64_t, int) const override { return {}; }

  Status run(std::int64_t, void* const*, int, const std::atomic<bool>*) const override {
    return refuse("operands on the device", "some on the host");
  }

  Status run_resident(std::int64_t, void* const* operands, const bool* resident,
                      const std::atomic<bool>* cancel) const override {
    for (std::size_t i = 0; i < operands_.size(); i++)
      if (!resident[i] && operands_[i].size > 0) return refuse("operands on the device", "one on the host");
    if (cancel && *cancel) return Status::error(Code::aborted, "copy: expected to start, received an abort");
    // They outlive the work of the lane.
    DeviceMemory tables(device());
    PinnedMemory staged(device());
    return lanes_->run([&](CopyLane& lane) {
      Status status = clears_ ? clear(lane.stream, operands) : Status{};
      if (moves_.empty()) return status;
      std::vector<char> bytes(moves_.size() * sizeof(RowMove));
      for (const Move& move : moves_) bytes.resize(bytes.size() + (move.items.size() + move.rows.size()) * 8);
      if (status.ok()) status = tables.reserve(bytes.size());
      if (status.ok()) status = staged.reserve(bytes.size());
      if (!status.ok()) return status;
      const std::int64_t blocks = fill_tables(operands, tables.as<char>(), bytes);
      std::memcpy(staged.get(), bytes.data(), bytes.size());
      status = copy(lane.stream, tables.get(), staged.get(), bytes.size());
      const RowArguments arguments{tables.as<RowMove>(), divider(std::uint32_t(blocks))};
      return status.ok() ? launch(lane.stream, rows_kernel(bytes_ == 2 ? 2 : 4),
                                  {blocks * std::int64_t(moves_.size()), kRowThreads, 0}, &arguments)
                         : status;
    });
  }

 private:
  // One of the two is an input and the other an output, and both hold the rows.
  Status check(const Move& move) const {
    const auto length = [&](std::size_t operand) { return operands_[operand].size; };
    if (operands_[move.spread].output == operands_[move.packed].output)
      return refuse("rows from an input to an output", "others");
    const auto largest = [](const std::vector<std::int64_t>& list) {
      return list.empty() ? 0 : *std::max_element(list.begin(), list.end());
    };
    const auto items = std::int64_t(move.items.size()), rows = std::int64_t(move.rows.size());
    const std::int64_t most = length(move.packed);
    if (items > 0 && rows > 0 && move.row > 0 && most / items / rows < move.row)
      return refuse("rows within their operands", "more");
    if (largest(move.items) + largest(move.rows) + move.row > length(move.spread))
      return refuse("rows within their operands", "rows past the end");
    return {};
  }

  Status clear(Stream* stream, void* const* operands) const {
    Status status;
    for (std::size_t i = inputs_; i < operands_.size() && status.ok(); i++)
      if (operands_[i].size > 0)
        status = fill(stream, operands[i], 0, std::size_t(operands_[i].size * operands_[i].element_bytes));
    return status;
  }

  // The moves and, behind them, their offsets, for tables that lie at `place`. Returns the blocks of each move.
  std::int64_t fill_tables(void* const* operands, char* place, std::vector<char>& bytes) const {
    std::size_t at = moves_.size() * sizeof(RowMove);
    const auto put = [&](const std::vector<std::int64_t>& list) {
      std::memcpy(bytes.data() + at, list.data(), list.size() * 8);
      return reinterpret_cast<const std::int64_t*>(place + std::exchange(at, at + list.size() * 8));
    };
    std::int64_t blocks = 1;
    for (std::size_t i = 0; i < moves_.size(); i++) {
      const Move& move = moves_[i];
      const bool spreads = operands_[move.spread].output;
      const auto items = std::int64_t(move.items.size()), rows = std::int64_t(move.rows.size());
      const std::int64_t pieces = pieces_of(move), jobs = items * rows * pieces;
      blocks = std::max(blocks, (jobs + kRowThreads / 32 - 1) / (kRowThreads / 32));
      const RowMove each{operands[spreads ? move.packed : move.spread],
                         operands[spreads ? move.spread : move.packed],
                         put(move.items),
                         put(move.rows),
                         move.row,
                         std::uint32_t(jobs),
                         spreads ? 1u : 0u,
                         divider(std::uint32_t(pieces)),
                         divider(std::uint32_t(rows))};
      std::memcpy(bytes.data() + i * sizeof(RowMove), &each, sizeof each);
    }
    return std::clamp<std::int64_t>(kMostBlocks / std::int64_t(moves_.size()), 1, blocks);
  }

  std::shared_ptr<CopyLanes> lanes_;
  int bytes_;
  bool clears_ = false;
  std::size_t inputs_ = 0;
  std::vector<Move> moves_;
};

}  // namespace

std::unique_ptr<Executable> make_mover(const Executable& copier, const double* words, std::size_t count,
                                       Status& status) noexcept {
  try {
    const auto* const of = dynamic_cast<const Copier*>(&copier);
    if (of == nullptr) {
      status = refuse("a copier", "another program");
      return nullptr;
    }
    auto mover = std::make_unique<Mover>(*of);
    status = mover->init(words, count);
    if (status.ok()) return mover;
  } catch (const std::bad_alloc&) {
    status = Status::error(Code::out_of_memory, "mover: expected memory for bookkeeping, received none");
  }
  return nullptr;
}

}  // namespace brauer::cuda
