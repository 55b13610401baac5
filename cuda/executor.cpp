#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>

#include "core/cuda.h"
#include "cuda/compile.h"
#include "cuda/kernels/kernels.h"
#include "cuda/layout.h"
#include "cuda/memory.h"

namespace brauer::cuda {
namespace {

constexpr std::uint32_t kParts = 32;         // of the items of a call, for what sums over them
constexpr std::int64_t kBusyThreads = 2048;  // of a multiprocessor
constexpr std::int64_t kMostPlaces = (std::int64_t(1) << 31) - 1;

// What one run needs beside its operands; kept for the next.
struct Slot {
  explicit Slot(int device) : scratch(device), partials(device), views(device) {}
  ~Slot() { destroy_stream(stream); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  Stream* stream = nullptr;
  std::vector<DeviceMemory> operands, wide;  // by operand; wide: 16-bit ones as float32
  DeviceMemory scratch, partials, views;
};

template <class T>
class DeviceExecutable final : public Executable {
 public:
  DeviceExecutable(Program program, Dtype dtype, const LoadOptions& options, const DeviceInfo& info)
      : program_(std::move(program)),
        dtype_(dtype),
        options_(options),
        info_(info),
        tables_(options.device),
        constants_(options.device) {}

  Status init() {
    Status status = compile(program_, int(sizeof(T)), compiled_);
    if (!status.ok()) return status;
    layout_ = fused_layout(program_, compiled_, int(sizeof(T)), info_);
    operands_.resize(operand_total());
    for (std::size_t b = 0; b < program_.buffers.size(); b++) {
      const Buffer& buffer = program_.buffers[b];
      if (compiled_.buffers[b].in != Placed::In::operand) continue;
      const int bytes = buffer.shared ? int(sizeof(T)) : storage_bytes(dtype_);
      operands_[compiled_.buffers[b].operand] = {buffer.role == Role::output, buffer.shared, buffer.size, bytes};
      if (buffer.shared_output()) partial_size_ += partial_step(buffer);
      if (!buffer.shared) item_bytes_ += buffer.size * (bytes + (is_half(dtype_) ? 4 : 0));
    }
    return upload();
  }

  Status run(std::int64_t batch, void* const* operands, int, const std::atomic<bool>* cancel) const override {
    try {
      std::unique_ptr<Slot> slot = take_slot();
      Status status = run_in(*slot, batch, operands, cancel);
      // Work in flight must not outlive what it reads and writes.
      const Status end = slot->stream ? synchronise(slot->stream) : Status{};
      if (status.ok()) status = end;
      if (status.ok()) give_back(std::move(slot));
      return status;
    } catch (const std::bad_alloc&) {
      return Status::error(Code::out_of_memory, "cuda: expected memory for a run, received none");
    }
  }

  WorkCounts work(std::int64_t, int) const override { return {}; }

 private:
  std::size_t operand_total() const {
    return std::size_t(std::count_if(compiled_.buffers.begin(), compiled_.buffers.end(),
                                     [](const Placed& placed) { return placed.in == Placed::In::operand; }));
  }

  // From one shared output of a part to the next: kernels write to them by 16 bytes.
  static std::int64_t partial_step(const Buffer& buffer) {
    constexpr std::int64_t vector = 16 / sizeof(T);
    return (buffer.size + vector - 1) / vector * vector;
  }

  // The tables, and behind them what else the fused kernel reads; the constants.
  Status upload() {
    std::vector<char> bytes = compiled_.code;
    const auto append = [&](const void* data, std::size_t size) {
      const std::size_t at = (bytes.size() + 15) / 16 * 16;
      bytes.resize(at + size);
      if (size > 0) std::memcpy(bytes.data() + at, data, size);
      return at;
    };
    buffers_at_ = append(layout_.buffers.data(), layout_.buffers.size() * sizeof(FusedBuffer));
    groups_at_ = append(layout_.groups.data(), layout_.groups.size() * sizeof(std::uint32_t));
    const std::vector<T> constants(compiled_.constants.begin(), compiled_.constants.end());
    Status status = tables_.reserve(bytes.size());
    if (status.ok()) status = constants_.reserve(std::max<std::size_t>(constants.size(), 1) * sizeof(T));
    Stream* stream = nullptr;
    if (status.ok()) status = create_stream(options_.device, stream);
    if (status.ok()) status = copy(stream, tables_.get(), bytes.data(), bytes.size());
    if (status.ok() && !constants.empty())
      status = copy(stream, constants_.get(), constants.data(), constants.size() * sizeof(T));
    if (status.ok()) status = synchronise(stream);
    destroy_stream(stream);
    return status;
  }

  std::unique_ptr<Slot> take_slot() const {
    std::lock_guard lock(mutex_);
    if (slots_.empty()) return std::make_unique<Slot>(options_.device);
    std::unique_ptr<Slot> slot = std::move(slots_.back());
    slots_.pop_back();
    return slot;
  }
  void give_back(std::unique_ptr<Slot> slot) const {
    std::lock_guard lock(mutex_);
    slots_.push_back(std::move(slot));
  }

  Status reserve(Slot& slot, std::int64_t items) const {
    Status status;
    if (!slot.stream) status = create_stream(options_.device, slot.stream);
    while (slot.operands.size() < operands_.size()) {
      slot.operands.emplace_back(options_.device);
      slot.wide.emplace_back(options_.device);
    }
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++) {
      const Operand& operand = operands_[i];
      const auto elements = std::size_t(operand.size * (operand.shared ? 1 : items));
      status = slot.operands[i].reserve(std::max<std::size_t>(elements * std::size_t(operand.element_bytes), 1));
      if (status.ok() && is_half(dtype_) && !operand.shared && !is_fused())
        status = slot.wide[i].reserve(std::max<std::size_t>(elements * sizeof(T), 1));
    }
    const std::int64_t scratch = is_fused() ? (layout_.in_shared ? 0 : fused_teams(items) * layout_.arena)
                                            : items * (compiled_.scratch + compiled_.local);
    if (status.ok() && scratch > 0) status = slot.scratch.reserve(std::size_t(scratch) * sizeof(T));
    if (status.ok() && partial_size_ > 0)
      status = slot.partials.reserve(std::size_t(parts(items)) * std::size_t(partial_size_) * sizeof(T));
    if (status.ok()) status = slot.views.reserve(compiled_.buffers.size() * sizeof(View<T>) + 1);
    return status;
  }

  bool is_fused() const {
    return options_.mode == Mode::fused || (options_.mode == Mode::automatic && layout_.in_shared);
  }
  std::int64_t fused_blocks(std::int64_t items) const {
    const std::int64_t tiles = (items + layout_.tile - 1) / layout_.tile;
    return std::clamp<std::int64_t>((tiles + layout_.teams - 1) / layout_.teams, 1, 2 * info_.multiprocessors);
  }
  std::int64_t fused_teams(std::int64_t items) const { return fused_blocks(items) * layout_.teams; }
  std::int64_t parts(std::int64_t items) const {
    return is_fused() ? fused_teams(items) : std::clamp<std::int64_t>(items, 1, kParts);
  }

  // Items that are run at once: their operands and scratch within the memory given, their places within 31 bits.
  std::int64_t chunk(std::int64_t batch) const {
    const std::int64_t each =
        item_bytes_ + (is_fused() ? 0 : (compiled_.scratch + compiled_.local) * std::int64_t(sizeof(T)));
    std::int64_t most = std::max<std::int64_t>(options_.memory / std::max<std::int64_t>(each, 1), 1);
    most = std::min(most, std::max<std::int64_t>(kMostPlaces / compiled_.widest, 1));
    return std::clamp<std::int64_t>(batch, 1, most);
  }

  std::vector<View<T>> make_views(const Slot& slot, std::int64_t items) const {
    std::vector<View<T>> views(compiled_.buffers.size());
    std::int64_t partial = 0;
    T* const scratch = slot.scratch.template as<T>();
    for (std::size_t b = 0; b < views.size(); b++) {
      const Placed& placed = compiled_.buffers[b];
      const bool is_wide = is_half(dtype_) && !program_.buffers[b].shared && !is_fused();
      switch (placed.in) {
        case Placed::In::operand:
          views[b] = {(is_wide ? slot.wide : slot.operands)[placed.operand].template as<T>(), placed.step, 0};
          if (!placed.shared_output) break;
          // Part after part, each with all shared outputs.
          views[b] = {slot.partials.template as<T>() + partial, 0, partial_size_};
          partial += partial_step(program_.buffers[b]);
          break;
        case Placed::In::constants:
          views[b] = {constants_.as<T>() + placed.offset, 0, 0};
          break;
        case Placed::In::scratch:
          views[b] = {scratch + placed.offset, placed.step, 0};
          break;
        case Placed::In::local:
          views[b] = {scratch + items * compiled_.scratch + placed.offset, placed.step, 0};
          break;
      }
    }
    return views;
  }

  Status run_in(Slot& slot, std::int64_t batch, void* const* operands, const std::atomic<bool>* cancel) const {
    const std::int64_t most = chunk(batch), part_count = parts(most);
    Status status = reserve(slot, most);
    if (!status.ok()) return status;
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++)
      if (operands_[i].shared && !operands_[i].output && operands_[i].size > 0)
        status = copy(slot.stream, slot.operands[i].get(), operands[i],
                      std::size_t(operands_[i].size * operands_[i].element_bytes));
    if (status.ok() && partial_size_ > 0)
      status = fill(slot.stream, slot.partials.get(), 0, std::size_t(part_count * partial_size_) * sizeof(T));
    const std::vector<View<T>> views = make_views(slot, most);
    if (status.ok() && !views.empty())
      status = copy(slot.stream, slot.views.get(), views.data(), views.size() * sizeof(View<T>));
    for (std::int64_t first = 0; first < batch && status.ok(); first += most) {
      if (cancel && *cancel) return Status::error(Code::aborted, "run: expected to finish, received an abort");
      const std::int64_t items = std::min(most, batch - first);
      status = move_items(slot, operands, first, items, false);
      if (status.ok()) status = is_fused() ? run_fused(slot, items, part_count) : run_staged(slot, items, part_count);
      if (status.ok()) status = move_items(slot, operands, first, items, true);
    }
    return status.ok() ? finish_shared(slot, operands, part_count) : status;
  }

  // Items of the operands between the host and the device.
  Status move_items(Slot& slot, void* const* operands, std::int64_t first, std::int64_t items, bool out) const {
    Status status;
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++) {
      const Operand& operand = operands_[i];
      if (operand.shared || operand.output != out || operand.size == 0) continue;
      const std::int64_t elements = operand.size * items, bytes = elements * operand.element_bytes;
      char* const host = static_cast<char*>(operands[i]) + first * operand.size * operand.element_bytes;
      const bool is_wide = is_half(dtype_) && !is_fused();
      if (out && is_wide) status = convert(slot, narrow_kernel(dtype_), slot.wide[i], slot.operands[i], elements);
      if (status.ok() && out) status = copy(slot.stream, host, slot.operands[i].get(), std::size_t(bytes));
      if (!out) status = copy(slot.stream, slot.operands[i].get(), host, std::size_t(bytes));
      if (status.ok() && !out && is_wide)
        status = convert(slot, widen_kernel(dtype_), slot.operands[i], slot.wide[i], elements);
    }
    return status;
  }

  Status convert(Slot& slot, const Kernel& kernel, const DeviceMemory& from, const DeviceMemory& to,
                 std::int64_t elements) const {
    const ConvertArguments arguments{from.get(), to.get(), elements};
    return launch(slot.stream, kernel, grid(elements), &arguments);
  }

  Grid grid(std::int64_t places) const {
    const std::int64_t blocks = (places + kStagedThreads - 1) / kStagedThreads;
    return {std::clamp<std::int64_t>(blocks, 1, 8 * info_.multiprocessors), kStagedThreads, 0};
  }

  Status run_staged(Slot& slot, std::int64_t items, std::int64_t part_count) const {
    for (std::size_t i = 0; i < compiled_.ops.size(); i++) {
      const OpCode& op = compiled_.ops[i];
      const std::int64_t work = compiled_.work[i];
      if (work == 0) continue;
      const std::uint32_t parts = op.sums_items ? std::uint32_t(part_count) : 1;
      // As many groups of items as keep the device busy.
      const std::int64_t busy = std::int64_t(info_.multiprocessors) * kBusyThreads;
      const std::int64_t groups = op.sums_items ? 1 : std::clamp<std::int64_t>((busy + work - 1) / work, 1, items);
      Grid each = grid(op.kind == Kind::product ? work * items : work * groups);
      each.blocks = op.sums_items ? std::max<std::int64_t>(each.blocks / parts, 1) * parts : each.blocks;
      const StagedArguments<T> arguments{tables_.as<CodeTables>(), slot.views.template as<View<T>>(),
                                         constants_.as<T>(),       std::uint32_t(i),
                                         std::uint32_t(items),     parts,
                                         std::uint32_t(groups)};
      const Status status = launch(slot.stream, staged_kernel<T>(op.kind), each, &arguments);
      if (!status.ok()) return status;
    }
    return {};
  }

  Status run_fused(Slot& slot, std::int64_t items, std::int64_t part_count) const {
    const std::int64_t blocks = std::min(fused_blocks(items), part_count / layout_.teams);
    FusedArguments<T> arguments{};
    arguments.code = tables_.as<CodeTables>(), arguments.constants = constants_.as<T>();
    arguments.buffers = reinterpret_cast<const FusedBuffer*>(tables_.as<char>() + buffers_at_);
    arguments.groups = reinterpret_cast<const std::uint32_t*>(tables_.as<char>() + groups_at_);
    arguments.views = slot.views.template as<View<T>>();
    arguments.arenas = layout_.in_shared ? nullptr : slot.scratch.template as<T>();
    arguments.arena = layout_.arena, arguments.flip = layout_.flip, arguments.items = items;
    arguments.buffer_count = std::uint32_t(layout_.buffers.size());
    arguments.resident = std::uint32_t(layout_.resident);
    arguments.tile = layout_.tile, arguments.teams = layout_.teams, arguments.threads = layout_.threads;
    arguments.dtype = std::uint32_t(dtype_);
    return launch(slot.stream, fused_kernel<T>(), {blocks, int(layout_.teams * layout_.threads), layout_.shared},
                  &arguments);
  }

  // Adds the parts of what sums over items.
  Status finish_shared(Slot& slot, void* const* operands, std::int64_t part_count) const {
    if (partial_size_ == 0) return {};
    std::int64_t partial = 0;
    for (std::size_t b = 0; b < program_.buffers.size(); b++) {
      const Buffer& buffer = program_.buffers[b];
      if (!buffer.shared_output()) continue;
      const std::size_t operand = compiled_.buffers[b].operand;
      const CombineArguments<T> arguments{slot.partials.template as<T>() + partial,
                                          slot.operands[operand].template as<T>(), buffer.size, partial_size_,
                                          std::uint32_t(part_count)};
      partial += partial_step(buffer);
      if (buffer.size == 0) continue;
      Status status = launch(slot.stream, combine_kernel<T>(), grid(buffer.size), &arguments);
      if (status.ok())
        status =
            copy(slot.stream, operands[operand], slot.operands[operand].get(), std::size_t(buffer.size) * sizeof(T));
      if (!status.ok()) return status;
    }
    return {};
  }

  Program program_;
  Dtype dtype_;
  LoadOptions options_;
  DeviceInfo info_;
  Compiled compiled_;
  FusedLayout layout_;
  DeviceMemory tables_, constants_;
  std::size_t buffers_at_ = 0, groups_at_ = 0;
  std::int64_t partial_size_ = 0, item_bytes_ = 0;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Slot>> slots_;
};

template <class T>
std::unique_ptr<Executable> make(Program program, Dtype dtype, const LoadOptions& options, const DeviceInfo& info,
                                 Status& status) {
  auto executable = std::make_unique<DeviceExecutable<T>>(std::move(program), dtype, options, info);
  status = executable->init();
  if (!status.ok()) return nullptr;
  return executable;
}

}  // namespace

std::unique_ptr<Executable> load(const double* words, std::size_t count, Dtype dtype, const LoadOptions& options,
                                 Status& status) noexcept {
  try {
    const Probe found = probe();
    if (!found.problem.empty()) return status = Status::error(Code::invalid_argument, found.problem), nullptr;
    if (options.device < 0 || std::size_t(options.device) >= found.devices.size())
      return status = Status::error(Code::invalid_argument, "cuda: expected a device below " +
                                                                std::to_string(found.devices.size()) + ", received " +
                                                                std::to_string(options.device)),
             nullptr;
    const Probe::Found& device = found.devices[std::size_t(options.device)];
    if (!device.problem.empty()) return status = Status::error(Code::invalid_argument, device.problem), nullptr;
    Program program;
    status = decode(words, count, program);
    if (status.ok()) status = verify(program);
    if (!status.ok()) return nullptr;
    return dtype == Dtype::f64 ? make<double>(std::move(program), dtype, options, device.info, status)
                               : make<float>(std::move(program), dtype, options, device.info, status);
  } catch (const std::bad_alloc&) {
    status = Status::error(Code::out_of_memory, "load: expected memory for a program, received none");
  } catch (...) {
    status = Status::error(Code::internal, "load: unexpected failure");
  }
  return nullptr;
}

}  // namespace brauer::cuda
