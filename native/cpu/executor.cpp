#include "cpu/executor.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#include "core/parallel.h"
#include "cpu/blas.h"
#include "cpu/dispatch.h"
#include "cpu/interpreter.h"
#include "cpu/lanes.h"
#include "cpu/memory.h"
#include "cpu/mix.h"
#include "cpu/work.h"

namespace brauer {
namespace {

// Programs with shared outputs cut the batch by these alone, so that sums over the batch have one order on every
// machine.
constexpr double kSharedTileBytes = 256 << 10;
constexpr Index kSegments = 16;
constexpr double kSegmentWork = 1 << 18;
constexpr double kPartialBytes = 64 << 20;

// Memory of items side by side. The same on every machine, so that bits do not depend on its caches.
constexpr double kLaneBytes = 4 << 20;

// Boxes that each thread should get of a section that several threads share, so that they end together.
constexpr Index kBoxesPerThread = 4;

// Items per thread from which on the last round of items may leave threads without one.
constexpr Index kRounds = 16;

// One run's arguments.
template <class T>
struct Call {
  Index batch;
  void* const* operands;
  const std::atomic<bool>* cancel;
  int threads;
  T* const* transposed;

  bool cancelled() const { return cancel && cancel->load(std::memory_order_relaxed); }
};

Status aborted() { return Status::error(Code::aborted, "run: aborted"); }

template <class T>
Compiled compile_for(Program program, const Kernels<T>& kernels, Dtype dtype, const ExecutorOptions& options) {
  const double most = kLaneBytes / double(sizeof(T));
  const Index lanes =
      is_half(dtype) ? 1 : choose_lanes(program, kernels.width, options.expected_batch, options.threads, most);
  Compiled code = compile(lanes > 1 ? with_lanes(std::move(program), lanes) : std::move(program), kernels.width, lanes);
  plan_blas<T>(code);
  return code;
}

template <class T>
class CpuExecutable final : public Executable {
 public:
  CpuExecutable(Program program, Dtype dtype, const ExecutorOptions& options)
      : kernels_(kernels_of<T>(*options.kernels)),
        threads_(options.threads),
        parallel_work_(options.parallel_work),
        code_(compile_for(std::move(program), kernels_, dtype, options)),
        memory_(code_, *options.kernels, dtype),
        no_weights_(code_.ops.size(), nullptr),
        is_half_(is_half(dtype)) {
    operands_ = memory_.operands();
    set_tile(code_.has_shared_output ? kSharedTileBytes : options.tile_bytes);
  }

  Status run(std::int64_t batch, void* const* operands, int threads, const std::atomic<bool>* cancel) const override {
    try {
      return run_checked(batch, operands, threads, cancel);
    } catch (const std::bad_alloc&) {
      return Status::error(Code::out_of_memory, "run: not enough memory for the scratch of the program");
    } catch (...) {
      return Status::error(Code::internal, "run: unexpected failure");
    }
  }

  WorkCounts work(std::int64_t batch, int threads) const override {
    if (threads <= 0) threads = threads_;
    const double runs = double(std::max<Index>(batch - 1, 0) / code_.lanes + 1);
    if (code_.work * runs < parallel_work_) threads = 1;
    const double shared = code_.has_shared_output ? 0 : double(shared_items(batch, threads)), whole = runs - shared;
    const double tiles = std::ceil(whole / double(code_.lanes > 1 ? 1 : tile_items_));
    // The thread with the most tiles, and its part of the items that all share.
    const double share =
        (tiles > 0 ? std::ceil(tiles / double(threads)) / tiles * whole : 0) + shared / double(threads);
    WorkCounts work = item_work(code_);
    double boxes = 1;
    for (std::size_t s = 0; s < lengths_.size(); s++) {
      const Section& section = code_.sections[s].section;
      if (lengths_[s] > 0) boxes = double(Blocks{section.n, lengths_[s], section.d}.boxes());
    }
    work.steps *= fits_ ? std::ceil(tiles / double(threads)) + shared : share * boxes;
    for (double* each : {&work.products, &work.sums, &work.moves, &work.rows, &work.transforms}) *each *= share;
    work.runs *= boxes > 1 ? share * std::sqrt(boxes) : share;
    work.calls = 1;
    work.wakes = threads > 1 ? 1 : 0;
    // What fits a tile is fetched during products, and costs little.
    work.bytes = fits_ ? 0 : runs * far_elements(code_, tile_elements_) * double(sizeof(T));
    return work;
  }

 private:
  using Space = Workspace<T>;

  void set_tile(double bytes) {
    tile_elements_ = bytes / double(sizeof(T));
    const Program& program = code_.program;
    const double item =
        double(program.scratch_size) + double(program.local_size) + code_.operand_size + memory_.converted_size();
    const double fitting = std::min(item > 0 ? tile_elements_ / item : 65536, 65536.0);
    tile_items_ = std::max<Index>(Index(fitting), 1);
    // Full tiles of products, also of those with one row per item.
    if (tile_items_ > kernels_.rows) tile_items_ -= tile_items_ % kernels_.rows;
    lengths_.assign(code_.sections.size(), 0);
    fits_ = fitting >= 1 || code_.lanes > 1;  // lanes are as many as may be
    if (fits_) return;
    for (std::size_t s = 0; s < lengths_.size(); s++)
      if (code_.sections[s].boxable) lengths_[s] = code_.sections[s].block_length(tile_elements_);
  }

  Status run_checked(Index batch, void* const* operands, int threads, const std::atomic<bool>* cancel) const {
    if (batch < 0) return Status::error(Code::invalid_argument, "run: expected a batch of at least 0");
    for (const Operand& operand : operands_)
      if (!operand.shared && saturating_multiply(batch, operand.size) == kMaxIndex)
        return Status::error(Code::invalid_argument, "run: expected operands of fewer than 2^53 elements");
    if (threads <= 0) threads = threads_;
    if (code_.work * double((batch - 1) / code_.lanes + 1) < parallel_work_) threads = 1;
    const Call<T> call{batch, operands, cancel, threads, transpose_all(operands)};
    Status status;
    if (code_.has_shared_output)
      status = run_segments(call);
    else
      status = run_whole_and_shared(call);
    if (status.code == Code::out_of_memory) throw std::bad_alloc();
    if (!status.ok() && status.message.empty()) status.message = "run: unexpected failure";
    return status.ok() && call.cancelled() ? aborted() : status;
  }

  T* const* transpose_all(void* const* operands) const {
    if (code_.transposed == 0) return no_weights_.data();
    Space& space = Space::of_thread();
    space.transposed.assign(code_.ops.size(), nullptr);
    T* next = reserve<T>(space.weights, double(code_.transposed));
    for (std::size_t i = 0; i < code_.ops.size(); i++) {
      const auto* mix = std::get_if<Mix>(code_.ops[i].source);
      if (!mix || mix->form != MixForm::input || mix->lanes > 1 || !memory_.is_fixed(mix->b)) continue;
      transpose_weights(*mix, kernels_, static_cast<const T*>(memory_.fixed_base(mix->b, operands, nullptr)), next);
      space.transposed[i] = next;
      next += mix->inner * mix->cols;
    }
    return space.transposed.data();
  }

  Tile<T> tile(Space& space, const std::vector<T*>& base, Index items, const Call<T>& call) const {
    const std::size_t m = code_.largest_orbit;
    space.in.resize(2 * m), space.out.resize(2 * m), space.steps.resize(4 * m);
    Index* steps = space.steps.data();
    return {&kernels_,
            base.data(),
            memory_.steps(),
            items,
            memory_.constants(),
            reserve<T>(space.own_weights, double(code_.own_weights)),
            {space.in.data(), space.out.data(), steps, steps + m, steps + 2 * m, steps + 3 * m, space.in.data() + m,
             space.out.data() + m},
            &space.rows,
            &space.runs,
            &space.spans,
            nullptr,
            Poll{call.cancel}};
  }

  Interpreter<T> interpreter(const Call<T>& call) const { return {code_, call.transposed}; }

  // The whole program over items [first, first + items), while `ahead` is fetched.
  Status run_tile(const Call<T>& call, Index first, Index items, Index capacity, T* partial, Ahead* ahead) const {
    if (call.cancelled()) return aborted();
    Space& space = Space::of_thread();
    memory_.bind(space, call.operands, first, capacity, lengths_, partial);
    memory_.convert_in(space.base, call.operands, first, items, 0, 1);
    Tile<T> here = tile(space, space.base, code_.lanes > 1 ? 1 : items, call);
    here.ahead = ahead;
    const Interpreter<T> interpret = interpreter(call);
    for (const Stage& stage : code_.stages) {
      const Index length = stage.section < 0 ? 0 : lengths_[std::size_t(stage.section)];
      if (length == 0) {
        interpret.run_stage(stage, here);
      } else {
        const SectionCode& section = code_.sections[std::size_t(stage.section)];
        const Blocks blocks{section.section.n, length, section.section.d};
        memory_.bind_box(space.base, reserve<T>(space.local, section.local_elements(length)), section, length);
        for (Index box = 0; box < blocks.boxes() && !here.poll.stopped; box++)
          interpret.run_box(section, blocks, box, here);
      }
      if (here.poll.stopped) return aborted();
    }
    memory_.convert_out(space.base, call.operands, first, items, 0, 1);
    return {};
  }

  // Large items one by one on the threads, and those left over, of which not every thread would get one, shared by all.
  Status run_whole_and_shared(const Call<T>& call) const {
    Call<T> whole = call;
    whole.batch -= shared_items(call.batch, call.threads);
    Status status = run_tiles(whole);
    return status.ok() && whole.batch < call.batch ? run_items(call, whole.batch) : status;
  }

  Index shared_items(Index batch, int threads) const {
    if (code_.lanes > 1 || code_.work < parallel_work_) return 0;
    if (batch < threads) return batch;
    return !fits_ && batch < kRounds * threads ? batch % threads : 0;
  }

  // As few tiles as fit the budget, a multiple of the threads, and of nearly one size.
  Status run_tiles(const Call<T>& call) const {
    if (call.batch == 0) return {};
    const Index least = (call.batch - 1) / tile_items_ + 1;
    const Index wanted = std::min((least + call.threads - 1) / call.threads * call.threads, call.batch);
    Index items = code_.lanes > 1 ? code_.lanes : (call.batch - 1) / wanted + 1;
    // Whole tiles of registers, where no thread gets more to do for it.
    const auto most_of_a_thread = [&](Index each) {
      const Index count = (call.batch - 1) / each + 1;
      return std::min((count + call.threads - 1) / call.threads * each, call.batch);
    };
    const Index whole = std::min((items + kernels_.rows - 1) / kernels_.rows * kernels_.rows, tile_items_);
    if (code_.lanes == 1 && most_of_a_thread(whole) <= most_of_a_thread(items)) items = whole;
    const Index tiles = (call.batch - 1) / items + 1;
    // Buffers in scratch start at multiples of a cache line.
    const Index capacity = code_.lanes > 1 ? 1 : items > 16 ? (items + 15) / 16 * 16 : items;
    // Ranges of tiles, so that a thread knows which one comes next.
    const Index grain = std::max<Index>(tiles / (8 * call.threads), 1);
    const auto count = [&](Index t) { return std::min(items, call.batch - t * items); };
    const auto body = [&](Index begin, Index end) -> Status {
      for (Index t = begin; t < end; t++) {
        const bool known = t + 1 < end && fits_ && code_.lanes == 1;
        Ahead ahead = known ? memory_.fetch(Space::of_thread(), call.operands, (t + 1) * items, count(t + 1)) : Ahead{};
        Status status = run_tile(call, t * items, count(t), capacity, nullptr, known ? &ahead : nullptr);
        if (!status.ok()) return status;
      }
      return {};
    };
    return parallel_for(call.threads, tiles, grain, body);
  }

  // All threads work on one item after the other, from the first on, instruction by instruction, the boxes of a section
  // among them.
  Status run_items(const Call<T>& call, Index first) const {
    Space& space = Space::of_thread();
    space.lengths = lengths_;
    for (std::size_t s = 0; s < lengths_.size(); s++)
      if (code_.sections[s].boxable) space.lengths[s] = shared_length(code_.sections[s], call.threads);
    const auto& operands = call.operands;
    for (Index item = first; item < call.batch; item++) {
      if (call.cancelled()) return aborted();
      memory_.bind(space, operands, item, 1, space.lengths, nullptr);
      Status status = each_part(
          call, [&](Index part, Index parts) { memory_.convert_in(space.base, operands, item, 1, part, parts); });
      for (std::size_t s = 0; s < code_.stages.size() && status.ok(); s++) {
        const Stage& stage = code_.stages[s];
        const Index length = stage.section < 0 ? 0 : space.lengths[std::size_t(stage.section)];
        if (length > 0)
          status = run_boxes(call, space, code_.sections[std::size_t(stage.section)], length);
        else
          status = run_ops(call, space, stage);
      }
      if (status.ok())
        status = each_part(
            call, [&](Index part, Index parts) { memory_.convert_out(space.base, operands, item, 1, part, parts); });
      if (!status.ok()) return status;
    }
    return {};
  }

  // Blocks as long as the budget allows, but short enough to give every thread several boxes.
  Index shared_length(const SectionCode& section, int threads) const {
    const auto [first, instructions, n, d] = section.section;
    Index blocks = (n - 1) / section.block_length(tile_elements_) + 1;
    while (blocks < n && choose(blocks + d - 1, d) < kBoxesPerThread * threads) blocks++;
    return (n - 1) / blocks + 1;
  }

  template <class F>
  Status each_part(const Call<T>& call, const F& convert) const {
    if (!is_half_) return {};
    const Index parts = 8 * call.threads;
    const auto body = [&](Index begin, Index end) -> Status {
      for (Index part = begin; part < end; part++) convert(part, parts);
      return {};
    };
    return parallel_for(call.threads, parts, 1, body);
  }

  Status run_boxes(const Call<T>& call, const Space& caller, const SectionCode& section, Index length) const {
    const Blocks blocks{section.section.n, length, section.section.d};
    const auto body = [&](Index begin, Index end) -> Status {
      Space& space = Space::of_thread();
      space.box_base = caller.base;
      memory_.bind_box(space.box_base, reserve<T>(space.local, section.local_elements(length)), section, length);
      Tile<T> here = tile(space, space.box_base, 1, call);
      const Interpreter<T> interpret = interpreter(call);
      for (Index box = begin; box < end && !here.poll.stopped; box++) interpret.run_box(section, blocks, box, here);
      return here.poll.stopped || call.cancelled() ? aborted() : Status{};
    };
    return parallel_for(call.threads, blocks.boxes(), 1, body);
  }

  Status run_ops(const Call<T>& call, const Space& caller, const Stage& stage) const {
    const Interpreter<T> interpret = interpreter(call);
    for (std::size_t i = stage.first; i < stage.first + stage.count; i++) {
      const Op& op = code_.ops[i];
      const bool split = op.split >= 0 && op.work >= parallel_work_;
      const Index parts = split ? 4 * call.threads : 1;
      const auto body = [&](Index begin, Index end) -> Status {
        Space& space = Space::of_thread();
        Tile<T> here = tile(space, caller.base, 1, call);
        for (Index part = begin; part < end && !here.poll.stopped; part++) {
          if (split)
            interpret.run_part(i, part, parts, here);
          else
            interpret.run_op(i, here);
        }
        return here.poll.stopped ? aborted() : Status{};
      };
      Status status = parallel_for(split ? call.threads : 1, parts, 1, body);
      if (!status.ok()) return status;
    }
    return {};
  }

  // Sums over the batch: segments of tiles, their number fixed by shape and batch, each summed in order into a part of
  // its own (the first one into the operands); parts are then added in pairs.
  Status run_segments(const Call<T>& call) const {
    const double size = memory_.partial_size();
    const Index tiles = (call.batch + tile_items_ - 1) / tile_items_;
    const double by_memory = kPartialBytes / (size * double(sizeof(T)) + 1),
                 by_work = code_.work * double(call.batch) / kSegmentWork;
    const auto most = Index(std::clamp(std::min(by_memory, by_work), 1.0, double(kSegments)));
    const Index segments = std::max<Index>(std::min(most, tiles), 1);
    T* const partials = reserve<T>(Space::of_thread().partials, size * double(segments - 1));
    const auto part = [&](Index segment) { return segment == 0 ? nullptr : partials + (segment - 1) * Index(size); };
    const auto& buffers = code_.program.buffers;
    const auto each_shared = [&](const auto& f) {
      for (std::size_t i = 0; i < buffers.size(); i++)
        if (buffers[i].shared_output() && buffers[i].size > 0) f(i, buffers[i].size);
    };
    const auto body = [&](Index begin, Index end) -> Status {
      for (Index segment = begin; segment < end; segment++) {
        each_shared([&](std::size_t i, Index count) {
          std::fill_n(memory_.fixed_base(i, call.operands, part(segment)), count, T(0));
        });
        for (Index t = tiles * segment / segments; t < tiles * (segment + 1) / segments; t++) {
          const auto count = [&](Index tile) { return std::min(tile_items_, call.batch - tile * tile_items_); };
          const bool known = t + 1 < tiles * (segment + 1) / segments && fits_ && code_.lanes == 1;
          Ahead ahead =
              known ? memory_.fetch(Space::of_thread(), call.operands, (t + 1) * tile_items_, count(t + 1)) : Ahead{};
          Status status =
              run_tile(call, t * tile_items_, count(t), tile_items_, part(segment), known ? &ahead : nullptr);
          if (!status.ok()) return status;
        }
      }
      return {};
    };
    Status status = parallel_for(call.threads, segments, 1, body);
    for (Index distance = 1; distance < segments && status.ok(); distance *= 2)
      for (Index segment = 0; segment + distance < segments; segment += 2 * distance)
        each_shared([&](std::size_t i, Index count) {
          T* to = memory_.fixed_base(i, call.operands, part(segment));
          const T* from = memory_.fixed_base(i, call.operands, part(segment + distance));
          for (Index e = 0; e < count; e++) to[e] += from[e];
        });
    return status;
  }

  const Kernels<T>& kernels_;
  int threads_;
  double parallel_work_;
  Compiled code_;
  Memory<T> memory_;
  std::vector<T*> no_weights_;
  bool is_half_;
  double tile_elements_ = 0;
  Index tile_items_ = 1;
  bool fits_ = false;           // an item and its scratch, in a tile
  std::vector<Index> lengths_;  // of blocks by section, 0: the section runs as a whole
};

}  // namespace

std::unique_ptr<Executable> load(const double* words, std::size_t count, Dtype dtype, const ExecutorOptions& options,
                                 Status& status) noexcept {
  try {
    Program program;
    status = decode(words, count, program);
    if (status.ok()) status = verify(program);
    if (!status.ok()) return nullptr;
    if (dtype == Dtype::f64) return std::make_unique<CpuExecutable<double>>(std::move(program), dtype, options);
    return std::make_unique<CpuExecutable<float>>(std::move(program), dtype, options);
  } catch (const std::bad_alloc&) {
    status = Status::error(Code::out_of_memory, "load: not enough memory for the program");
  } catch (...) {
    status = Status::error(Code::internal, "load: unexpected failure");
  }
  return nullptr;
}

std::unique_ptr<Executable> load(const double* words, std::size_t count, Dtype dtype, std::int64_t expected_batch,
                                 Status& status) noexcept {
  try {
    const CpuInfo& info = cpu_info();
    if (!info.error.empty()) {
      status = Status::error(Code::invalid_argument, info.error);
      return nullptr;
    }
    std::string unused;
    return load(words, count, dtype,
                {choose_implementation(unused), double(info.tile_bytes), info.threads, expected_batch}, status);
  } catch (...) {
    status = Status::error(Code::out_of_memory, "load: not enough memory");
    return nullptr;
  }
}

}  // namespace brauer
