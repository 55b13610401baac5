#include "cpu/executor.h"

#include <algorithm>
#include <new>
#include <vector>

#include "core/parallel.h"
#include "cpu/arena.h"
#include "cpu/convert.h"
#include "cpu/dispatch.h"
#include "cpu/interpreter.h"
#include "cpu/mix.h"

namespace brauer {
namespace {

// Programs with shared outputs cut the batch by these alone, so that sums over the batch have one order on every machine.
constexpr double kSharedTileBytes = 256 << 10;
constexpr Index kSegments = 16;
constexpr double kSegmentWork = 1 << 18;
constexpr double kPartialBytes = 64 << 20;

// What a thread keeps between runs.
template <class T>
struct Workspace {
  Arena scratch, local, converted, weights, own_weights, partials;
  std::vector<T*> base, box_base, transposed;
  std::vector<const T*> in;
  std::vector<T*> out;
  std::vector<Index> steps, rows;

  static Workspace& of_thread() {
    static thread_local Workspace workspace;
    return workspace;
  }
};

template <class T>
T* reserve(Arena& arena, double elements) {
  if (elements == 0) return nullptr;
  void* memory = arena.reserve(elements * double(sizeof(T)));
  if (!memory) throw std::bad_alloc();
  return static_cast<T*>(memory);
}

template <class T>
const Kernels<T>& kernels_of(const KernelTable& table) {
  if constexpr (sizeof(T) == 8) return table.f64;
  else return table.f32;
}

// One run's arguments.
template <class T>
struct Call {
  Index batch;
  void* const* operands;
  const std::atomic<bool>* cancel;
  int threads;
  T* const* transposed;
};

template <class T>
class CpuExecutable final : public Executable {
 public:
  CpuExecutable(Program program, Dtype dtype, const ExecutorOptions& options)
      : table_(*options.kernels),
        kernels_(kernels_of<T>(table_)),
        dtype_(dtype),
        threads_(options.threads),
        parallel_work_(options.parallel_work),
        code_(compile(std::move(program), kernels_.width)),
        constants_(code_.program.constants.begin(), code_.program.constants.end()),
        no_weights_(code_.ops.size(), nullptr) {
    const auto& buffers = code_.program.buffers;
    operand_of_.assign(buffers.size(), 0);
    converted_at_.assign(buffers.size(), 0);
    partial_at_.assign(buffers.size(), 0);
    for (const Role role : {Role::input, Role::output}) {
      for (std::size_t i = 0; i < buffers.size(); i++) {
        if (buffers[i].role != role) continue;
        operand_of_[i] = operands_.size();
        const bool shared = buffers[i].shared;
        operands_.push_back({role == Role::output, shared, buffers[i].size, shared ? compute_bytes(dtype) : storage_bytes(dtype)});
        if (!shared && is_half(dtype)) converted_at_[i] = converted_size_, converted_size_ += double(buffers[i].size);
        if (buffers[i].shared_output()) partial_at_[i] = partial_size_, partial_size_ += double(buffers[i].size);
      }
    }
    for (const Buffer& buffer : buffers) steps_.push_back(buffer.shared || buffer.role == Role::constant ? 0 : buffer.size);
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

 private:
  using Space = Workspace<T>;
  using Base = std::vector<T*>;

  void set_tile(double bytes) {
    tile_elements_ = bytes / double(sizeof(T));
    const double item = double(code_.program.scratch_size) + double(code_.program.local_size) + code_.operand_size + converted_size_;
    const double fitting = std::min(item > 0 ? tile_elements_ / item : 65536, 65536.0);
    tile_items_ = std::max<Index>(Index(fitting), 1);
    // Item strides inside scratch are then multiples of a cache line.
    if (tile_items_ > 16) tile_items_ -= tile_items_ % 16;
    lengths_.assign(code_.sections.size(), 0);
    if (fitting >= 1) return;
    for (std::size_t s = 0; s < lengths_.size(); s++)
      if (code_.sections[s].boxable) lengths_[s] = code_.sections[s].block_length(tile_elements_);
  }

  Status run_checked(Index batch, void* const* operands, int threads, const std::atomic<bool>* cancel) const {
    if (batch < 0) return Status::error(Code::invalid_argument, "run: expected a batch of at least 0");
    for (const Operand& operand : operands_)
      if (!operand.shared && saturating_multiply(batch, operand.size) == kMaxIndex)
        return Status::error(Code::invalid_argument, "run: expected operands of fewer than 2^53 elements");
    if (threads <= 0) threads = threads_;
    if (code_.work * double(batch) < parallel_work_) threads = 1;
    Call<T> call{batch, operands, cancel, threads, transpose_all(operands)};
    Status status;
    if (code_.has_shared_output) status = run_segments(call);
    else if (batch < threads && code_.work >= parallel_work_) status = run_items(call);
    else status = run_tiles(call);
    if (status.code == Code::out_of_memory) throw std::bad_alloc();
    if (!status.ok() && status.message.empty()) status.message = "run: unexpected failure";
    if (status.ok() && cancel && cancel->load(std::memory_order_relaxed)) return aborted();
    return status;
  }

  static Status aborted() { return Status::error(Code::aborted, "run: aborted"); }

  T* const* transpose_all(void* const* operands) const {
    if (code_.transposed == 0) return no_weights_.data();
    Space& space = Space::of_thread();
    space.transposed.assign(code_.ops.size(), nullptr);
    T* next = reserve<T>(space.weights, double(code_.transposed));
    for (std::size_t i = 0; i < code_.ops.size(); i++) {
      const auto* mix = std::get_if<Mix>(code_.ops[i].source);
      if (!mix || mix->form != MixForm::input || steps_[mix->b] != 0) continue;
      transpose_weights(*mix, kernels_, static_cast<const T*>(fixed_base(mix->b, operands)), next);
      space.transposed[i] = next;
      next += mix->inner * mix->cols;
    }
    return space.transposed.data();
  }

  // Where a constant or a shared operand lies.
  T* fixed_base(std::size_t i, void* const* operands) const {
    const Buffer& buffer = code_.program.buffers[i];
    // Verified programs write no constant and no input.
    if (buffer.role == Role::constant) return const_cast<T*>(constants_.data()) + buffer.offset;
    return static_cast<T*>(operands[operand_of_[i]]);
  }

  // Points every buffer at `items` items from `first` on, in arenas laid out for `capacity` items. Local buffers of sections
  // that run box by box are left to `bind_box`.
  void bind(Space& space, const Call<T>& call, Index first, Index capacity, const std::vector<Index>& lengths, T* partial) const {
    const auto& buffers = code_.program.buffers;
    const double count = double(capacity);
    T* const scratch = reserve<T>(space.scratch, count * double(code_.program.scratch_size));
    T* const converted = reserve<T>(space.converted, count * converted_size_);
    double locals = 0;
    for (std::size_t s = 0; s < lengths.size(); s++) {
      if (code_.sections[s].locals.empty()) continue;
      locals = std::max(locals, lengths[s] > 0 ? code_.sections[s].local_elements(lengths[s]) : count * double(code_.program.local_size));
    }
    T* const local = reserve<T>(space.local, locals);
    space.base.resize(buffers.size());
    for (std::size_t i = 0; i < buffers.size(); i++) {
      const Buffer& buffer = buffers[i];
      T*& base = space.base[i];
      if (steps_[i] == 0 && buffer.shared_output() && partial) base = partial + Index(partial_at_[i]);
      else if (buffer.role == Role::scratch) base = buffer.size == 0 ? nullptr : (buffer.local() ? local : scratch) + capacity * buffer.offset;
      else if (buffer.shared || buffer.role == Role::constant) base = fixed_base(i, call.operands);
      else if (is_half(dtype_)) base = converted + capacity * Index(converted_at_[i]);
      else base = buffer.size == 0 ? nullptr : static_cast<T*>(call.operands[operand_of_[i]]) + first * buffer.size;
    }
  }

  // Local buffers of a section, one after the other, for boxes of a block length.
  void bind_box(Base& base, T* local, const SectionCode& section, Index length) const {
    for (const LocalBuffer& each : section.locals) {
      base[each.buffer] = local;
      local += section.local_rows(each, length) * each.width;
    }
  }

  Tile<T> tile(Space& space, const Base& base, Index items, const Call<T>& call) const {
    const std::size_t m = code_.largest_orbit;
    space.in.resize(m), space.out.resize(m), space.steps.resize(4 * m);
    Index* steps = space.steps.data();
    return {&kernels_, base.data(), steps_.data(), items, constants_.data(), reserve<T>(space.own_weights, double(code_.own_weights)),
            {space.in.data(), space.out.data(), steps, steps + m, steps + 2 * m, steps + 3 * m}, &space.rows, Poll{call.cancel}};
  }

  template <class F>
  void each_converted(bool output, const F& f) const {
    if (!is_half(dtype_)) return;
    const auto& buffers = code_.program.buffers;
    for (std::size_t i = 0; i < buffers.size(); i++)
      if (buffers[i].role == (output ? Role::output : Role::input) && !buffers[i].shared && buffers[i].size > 0) f(i, buffers[i].size);
  }

  // Elements [begin, end) of each item operand of the items from `first` on, from and to 16-bit storage.
  void convert_in(const Base& base, const Call<T>& call, Index first, Index items, Index begin = 0, Index parts = 1) const {
    if constexpr (sizeof(T) == 4) {
      each_converted(false, [&](std::size_t i, Index size) {
        const auto* from = static_cast<const std::uint16_t*>(call.operands[operand_of_[i]]) + first * size;
        const Index low = items * size / parts * begin, high = begin + 1 == parts ? items * size : items * size / parts * (begin + 1);
        widen(table_, dtype_, base[i] + low, from + low, high - low);
      });
    }
  }

  void convert_out(const Base& base, const Call<T>& call, Index first, Index items, Index begin = 0, Index parts = 1) const {
    if constexpr (sizeof(T) == 4) {
      each_converted(true, [&](std::size_t i, Index size) {
        auto* to = static_cast<std::uint16_t*>(call.operands[operand_of_[i]]) + first * size;
        const Index low = items * size / parts * begin, high = begin + 1 == parts ? items * size : items * size / parts * (begin + 1);
        narrow(table_, dtype_, to + low, base[i] + low, high - low);
      });
    }
  }

  Interpreter<T> interpreter(const Call<T>& call) const { return {code_, call.transposed}; }

  // The whole program over items [first, first + items).
  Status run_tile(const Call<T>& call, Index first, Index items, Index capacity, T* partial) const {
    if (call.cancel && call.cancel->load(std::memory_order_relaxed)) return aborted();
    Space& space = Space::of_thread();
    bind(space, call, first, capacity, lengths_, partial);
    convert_in(space.base, call, first, items);
    Tile<T> here = tile(space, space.base, items, call);
    const Interpreter<T> interpret = interpreter(call);
    for (const Stage& stage : code_.stages) {
      const Index length = stage.section < 0 ? 0 : lengths_[std::size_t(stage.section)];
      if (length == 0) {
        interpret.run_stage(stage, here);
      } else {
        const SectionCode& section = code_.sections[std::size_t(stage.section)];
        const Blocks blocks{section.section.n, length, section.section.d};
        bind_box(space.base, reserve<T>(space.local, section.local_elements(length)), section, length);
        for (Index box = 0; box < blocks.boxes() && !here.poll.stopped; box++) interpret.run_box(section, blocks, box, here);
      }
      if (here.poll.stopped) return aborted();
    }
    convert_out(space.base, call, first, items);
    return {};
  }

  Status run_tiles(const Call<T>& call) const {
    const Index per_thread = (call.batch + call.threads - 1) / call.threads;
    const Index items = std::max<Index>(std::min(tile_items_, per_thread), 1);
    const auto body = [&](Index begin, Index end) -> Status {
      for (Index t = begin; t < end; t++) {
        Status status = run_tile(call, t * items, std::min(items, call.batch - t * items), items, nullptr);
        if (!status.ok()) return status;
      }
      return {};
    };
    return parallel_for(call.threads, (call.batch + items - 1) / items, 1, body);
  }

  // Fewer items than threads: all threads work on one item, instruction by instruction, section boxes among them.
  Status run_items(const Call<T>& call) const {
    std::vector<Index> lengths = lengths_;
    for (std::size_t s = 0; s < lengths.size(); s++)
      if (code_.sections[s].boxable) lengths[s] = shared_length(code_.sections[s], call.threads);
    Space& space = Space::of_thread();
    for (Index item = 0; item < call.batch; item++) {
      bind(space, call, item, 1, lengths, nullptr);
      Status status = each_part(call, [&](Index part, Index parts) { convert_in(space.base, call, item, 1, part, parts); });
      for (std::size_t s = 0; s < code_.stages.size() && status.ok(); s++) {
        const Stage& stage = code_.stages[s];
        const Index length = stage.section < 0 ? 0 : lengths[std::size_t(stage.section)];
        if (length > 0) status = run_boxes(call, space, code_.sections[std::size_t(stage.section)], length);
        else status = run_ops(call, space, stage);
      }
      if (status.ok()) status = each_part(call, [&](Index part, Index parts) { convert_out(space.base, call, item, 1, part, parts); });
      if (!status.ok()) return status;
    }
    return {};
  }

  // Blocks as long as the budget allows, but short enough to give every thread several boxes.
  Index shared_length(const SectionCode& section, int threads) const {
    const Index n = section.section.n;
    const Index length = section.block_length(tile_elements_);
    Index blocks = (n - 1) / length + 1;
    while (blocks < n && choose(blocks + section.section.d - 1, section.section.d) < 4 * threads) blocks++;
    return (n - 1) / blocks + 1;
  }

  template <class F>
  Status each_part(const Call<T>& call, const F& convert) const {
    if (!is_half(dtype_)) return {};
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
      bind_box(space.box_base, reserve<T>(space.local, section.local_elements(length)), section, length);
      Tile<T> here = tile(space, space.box_base, 1, call);
      const Interpreter<T> interpret = interpreter(call);
      for (Index box = begin; box < end && !here.poll.stopped; box++) interpret.run_box(section, blocks, box, here);
      return here.poll.stopped ? aborted() : Status{};
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
          if (split) interpret.run_part(i, part, parts, here);
          else interpret.run_op(i, here);
        }
        return here.poll.stopped ? aborted() : Status{};
      };
      Status status = parallel_for(split ? call.threads : 1, parts, 1, body);
      if (!status.ok()) return status;
    }
    return {};
  }

  // Sums over the batch: segments of tiles, their number fixed by shape and batch, each summed in order into a part of its own
  // (the first one into the operands); parts are then added in pairs.
  Status run_segments(const Call<T>& call) const {
    const Index tiles = (call.batch + tile_items_ - 1) / tile_items_;
    const double by_memory = std::max(kPartialBytes / (partial_size_ * double(sizeof(T)) + 1), 1.0);
    const double by_work = std::max(code_.work * double(call.batch) / kSegmentWork, 1.0);
    const Index segments = std::max<Index>(std::min({kSegments, tiles, Index(std::min(by_memory, 1e6)), Index(std::min(by_work, 1e6))}), 1);
    T* const partials = reserve<T>(Space::of_thread().partials, partial_size_ * double(segments - 1));
    const auto part = [&](Index segment, std::size_t i) {
      if (segment == 0) return static_cast<T*>(call.operands[operand_of_[i]]);
      return partials + (segment - 1) * Index(partial_size_) + Index(partial_at_[i]);
    };
    const auto& buffers = code_.program.buffers;
    const auto each_shared = [&](const auto& f) {
      for (std::size_t i = 0; i < buffers.size(); i++)
        if (buffers[i].shared_output() && buffers[i].size > 0) f(i, buffers[i].size);
    };
    const auto body = [&](Index begin, Index end) -> Status {
      for (Index segment = begin; segment < end; segment++) {
        each_shared([&](std::size_t i, Index size) { std::fill_n(part(segment, i), size, T(0)); });
        for (Index t = tiles * segment / segments; t < tiles * (segment + 1) / segments; t++) {
          const Index first = t * tile_items_;
          T* const own = segment == 0 ? nullptr : partials + (segment - 1) * Index(partial_size_);
          Status status = run_tile(call, first, std::min(tile_items_, call.batch - first), tile_items_, own);
          if (!status.ok()) return status;
        }
      }
      return {};
    };
    Status status = parallel_for(call.threads, segments, 1, body);
    for (Index distance = 1; distance < segments && status.ok(); distance *= 2)
      for (Index segment = 0; segment + distance < segments; segment += 2 * distance)
        each_shared([&](std::size_t i, Index size) {
          T* to = part(segment, i);
          const T* from = part(segment + distance, i);
          for (Index e = 0; e < size; e++) to[e] += from[e];
        });
    return status;
  }

  const KernelTable& table_;
  const Kernels<T>& kernels_;
  Dtype dtype_;
  int threads_;
  double parallel_work_;
  Compiled code_;
  std::vector<T> constants_;
  std::vector<T*> no_weights_;
  std::vector<Index> steps_;
  std::vector<std::size_t> operand_of_;
  std::vector<double> converted_at_, partial_at_;
  double converted_size_ = 0, partial_size_ = 0, tile_elements_ = 0;
  Index tile_items_ = 1;
  std::vector<Index> lengths_;  // of blocks by section, 0: the section runs as a whole
};

}  // namespace

std::unique_ptr<Executable> load(const double* words, std::size_t count, Dtype dtype, const ExecutorOptions& options, Status& status) noexcept {
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

std::unique_ptr<Executable> load(const double* words, std::size_t count, Dtype dtype, Status& status) noexcept {
  try {
    const CpuInfo& info = cpu_info();
    if (!info.error.empty()) {
      status = Status::error(Code::invalid_argument, info.error);
      return nullptr;
    }
    std::string unused;
    return load(words, count, dtype, {choose_implementation(unused), double(info.tile_bytes), info.threads}, status);
  } catch (...) {
    status = Status::error(Code::out_of_memory, "load: not enough memory");
    return nullptr;
  }
}

}  // namespace brauer
