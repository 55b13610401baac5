#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>

#include "core/cuda.h"
#include "cuda/bound_run.h"
#include "cuda/compile.h"
#include "cuda/kernels/kernels.h"
#include "cuda/layout.h"
#include "cuda/model.h"

namespace brauer::cuda {
namespace {

constexpr std::uint32_t kParts = 32;  // of the items of a call, for what sums over them
constexpr std::int64_t kMostPlaces = (std::int64_t(1) << 31) - 1;

template <class T>
class DeviceExecutable final : public DeviceProgram {
 public:
  using Element = T;

  DeviceExecutable(Program program, Dtype dtype, const LoadOptions& options, const DeviceInfo& info)
      : program_(std::move(program)),
        dtype_(dtype),
        options_(options),
        info_(info),
        tables_(options.device),
        constants_(options.device) {}

  Status init() {
    Status status = compile_for(program_, int(sizeof(T)), options_.precision, info_, compiled_);
    if (!status.ok()) return status;
    layout_ = fused_layout(program_, compiled_, int(sizeof(T)), storage_bytes(dtype_), info_);
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

  std::unique_ptr<DeviceRun> bind(std::int64_t batch, void* const* operands, Stream* stream,
                                  Status& status) const noexcept override {
    try {
      auto bound = std::make_unique<BoundRun<DeviceExecutable>>(*this, batch, operands, stream);
      status = bound->init();
      if (status.ok()) return bound;
    } catch (const std::bad_alloc&) {
      status = Status::error(Code::out_of_memory, "cuda: expected memory for a run, received none");
    }
    return nullptr;
  }

 private:
  friend class BoundRun<DeviceExecutable>;

  std::size_t operand_total() const {
    return std::size_t(std::count_if(compiled_.buffers.begin(), compiled_.buffers.end(),
                                     [](const Placed& placed) { return placed.in == Placed::In::operand; }));
  }

  // From one shared output of a part to the next: kernels write to them by 16 bytes.
  static std::int64_t partial_step(const Buffer& buffer) {
    constexpr std::int64_t vector = 16 / sizeof(T);
    return (buffer.size + vector - 1) / vector * vector;
  }

  // The tables, and behind them what else the fused and boxed kernels read; the constants.
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
    for (const CompiledSection& section : compiled_.sections) {
      std::vector<std::int64_t> offsets(compiled_.buffers.size(), -1);
      std::int64_t end = 0;
      for (const auto& [buffer, rows] : section.rows) {
        offsets[buffer] = end;
        const std::int64_t line = 16 / std::int64_t(sizeof(T));
        end += (rows * program_.buffers[buffer].width + line - 1) / line * line;
      }
      offsets_at_.push_back(append(offsets.data(), offsets.size() * sizeof(std::int64_t)));
    }
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

  // own_operands: also memory for the operands.
  Status reserve(Slot& slot, std::int64_t items, bool own_operands) const {
    Status status;
    if (!slot.stream && own_operands) status = create_stream(options_.device, slot.stream);
    while (slot.operands.size() < operands_.size()) {
      slot.operands.emplace_back(options_.device);
      slot.wide.emplace_back(options_.device);
    }
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++) {
      const Operand& operand = operands_[i];
      const auto elements = std::size_t(operand.size * (operand.shared ? 1 : items));
      if (own_operands)
        status = slot.operands[i].reserve(std::max<std::size_t>(elements * std::size_t(operand.element_bytes), 1));
      if (status.ok() && is_half(dtype_) && !operand.shared && !slot.fused)
        status = slot.wide[i].reserve(std::max<std::size_t>(elements * sizeof(T), 1));
    }
    const std::int64_t scratch =
        slot.fused ? (layout_.in_shared ? 0 : fused_teams(items) * layout_.arena) : items * staged_elements();
    if (status.ok() && scratch > 0) status = slot.scratch.reserve(std::size_t(scratch) * sizeof(T));
    if (status.ok() && partial_size_ > 0)
      status = slot.partials.reserve(std::size_t(parts(slot.fused, items)) * std::size_t(partial_size_) * sizeof(T));
    if (status.ok()) status = slot.views.reserve(compiled_.buffers.size() * sizeof(View<T>) + 1);
    return status;
  }

  // Scratch of an item; sections that run box by box need none for their local buffers.
  std::int64_t staged_elements() const {
    const bool boxed = compiled_.sections.size() == program_.sections.size();
    return compiled_.scratch + (boxed ? 0 : compiled_.local);
  }

  // What a call of so many items runs as.
  bool is_fused(std::int64_t batch) const {
    if (options_.mode != Mode::automatic) return options_.mode == Mode::fused;
    std::lock_guard lock(mutex_);
    const auto [found, is_new] = fused_.try_emplace(batch, false);
    const int bytes = int(sizeof(T)), storage = storage_bytes(dtype_);
    if (is_new)
      found->second = estimate_fused(program_, compiled_, layout_, bytes, storage, batch, info_).seconds <=
                      estimate_staged(program_, compiled_, bytes, storage, batch, info_).seconds;
    return found->second;
  }
  std::int64_t fused_blocks(std::int64_t items) const {
    const std::int64_t tile = fused_tile(layout_, items, info_), tiles = (items + tile - 1) / tile;
    return std::clamp<std::int64_t>((tiles + layout_.teams - 1) / layout_.teams, 1, 2 * info_.multiprocessors);
  }
  std::int64_t fused_teams(std::int64_t items) const { return fused_blocks(items) * layout_.teams; }
  std::int64_t parts(bool fused, std::int64_t items) const {
    if (fused) return fused_teams(items);
    std::int64_t most = std::clamp<std::int64_t>(items, 1, kParts);
    for (const CompiledSection& section : compiled_.sections)
      if (section.sums_items) most = std::max(most, box_blocks(section, items) * compiled_.box_teams);
    return most;
  }

  std::int64_t box_blocks(const CompiledSection& section, std::int64_t items) const {
    const std::int64_t teams = compiled_.box_teams;
    return std::clamp<std::int64_t>((section.boxes * items + teams - 1) / teams, 1, 2 * info_.multiprocessors);
  }

  // Items that are run at once: their operands and scratch within the memory given, their places within 31 bits.
  std::int64_t chunk(bool fused, std::int64_t batch) const {
    const std::int64_t each = item_bytes_ + (fused ? 0 : staged_elements() * std::int64_t(sizeof(T)));
    std::int64_t most = std::max<std::int64_t>(options_.memory / std::max<std::int64_t>(each, 1), 1);
    most = std::min(most, std::max<std::int64_t>(kMostPlaces / compiled_.widest, 1));
    return std::clamp<std::int64_t>(batch, 1, most);
  }

  // operands: where they lie on the device.
  std::vector<View<T>> make_views(const Slot& slot, void* const* operands, std::int64_t items) const {
    std::vector<View<T>> views(compiled_.buffers.size());
    std::int64_t partial = 0;
    T* const scratch = slot.scratch.template as<T>();
    for (std::size_t b = 0; b < views.size(); b++) {
      const Placed& placed = compiled_.buffers[b];
      const bool is_wide = is_half(dtype_) && !program_.buffers[b].shared && !slot.fused;
      switch (placed.in) {
        case Placed::In::operand:
          views[b] = {static_cast<T*>(is_wide ? slot.wide[placed.operand].get() : operands[placed.operand]),
                      placed.step, 0};
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
    slot.fused = is_fused(batch);
    const std::int64_t most = chunk(slot.fused, batch), part_count = parts(slot.fused, most);
    Status status = reserve(slot, most, true);
    if (!status.ok()) return status;
    std::vector<void*> here;
    for (const DeviceMemory& memory : slot.operands) here.push_back(memory.get());
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++)
      if (operands_[i].shared && !operands_[i].output && operands_[i].size > 0)
        status = copy(slot.stream, here[i], operands[i], std::size_t(operands_[i].size * operands_[i].element_bytes));
    if (status.ok()) status = clear_parts(slot, slot.stream, part_count);
    const std::vector<View<T>> views = make_views(slot, here.data(), most);
    if (status.ok() && !views.empty())
      status = copy(slot.stream, slot.views.get(), views.data(), views.size() * sizeof(View<T>));
    for (std::int64_t first = 0; first < batch && status.ok(); first += most) {
      if (cancel && *cancel) return Status::error(Code::aborted, "run: expected to finish, received an abort");
      const std::int64_t items = std::min(most, batch - first);
      status = move_items(slot, operands, first, items, false);
      if (status.ok()) status = widen(slot, here.data(), slot.stream, items);
      if (status.ok()) status = run_kernels(slot, slot.views.template as<View<T>>(), slot.stream, items, part_count);
      if (status.ok()) status = narrow(slot, here.data(), slot.stream, items);
      if (status.ok()) status = move_items(slot, operands, first, items, true);
    }
    if (status.ok()) status = finish_shared(slot, here.data(), slot.stream, part_count);
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++)
      if (operands_[i].shared && operands_[i].output)
        status = copy(slot.stream, operands[i], here[i], std::size_t(operands_[i].size * operands_[i].element_bytes));
    return status;
  }

  Status clear_parts(const Slot& slot, Stream* stream, std::int64_t part_count) const {
    if (partial_size_ == 0) return {};
    return fill(stream, slot.partials.get(), 0, std::size_t(part_count * partial_size_) * sizeof(T));
  }

  Status run_kernels(const Slot& slot, const View<T>* views, Stream* stream, std::int64_t items,
                     std::int64_t part_count) const {
    return slot.fused ? run_fused(slot, views, stream, items, part_count)
                      : run_staged(views, stream, items, part_count);
  }

  // Inputs of 16 bits as float32, and float32 as outputs of 16 bits, where kernels do not read and write those.
  Status widen(const Slot& slot, void* const* operands, Stream* stream, std::int64_t items) const {
    Status status;
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++)
      if (is_widened(slot, operands_[i]) && !operands_[i].output)
        status = convert(stream, widen_kernel(dtype_), operands[i], slot.wide[i].get(), operands_[i].size * items);
    return status;
  }
  Status narrow(const Slot& slot, void* const* operands, Stream* stream, std::int64_t items) const {
    Status status;
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++)
      if (is_widened(slot, operands_[i]) && operands_[i].output)
        status = convert(stream, narrow_kernel(dtype_), slot.wide[i].get(), operands[i], operands_[i].size * items);
    return status;
  }
  bool is_widened(const Slot& slot, const Operand& operand) const {
    return is_half(dtype_) && !slot.fused && !operand.shared && operand.size > 0;
  }

  // Items of the operands between the host and the device.
  Status move_items(Slot& slot, void* const* operands, std::int64_t first, std::int64_t items, bool out) const {
    Status status;
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++) {
      const Operand& operand = operands_[i];
      if (operand.shared || operand.output != out || operand.size == 0) continue;
      const auto bytes = std::size_t(operand.size * items * operand.element_bytes);
      char* const host = static_cast<char*>(operands[i]) + first * operand.size * operand.element_bytes;
      void* const device = slot.operands[i].get();
      status = out ? copy(slot.stream, host, device, bytes) : copy(slot.stream, device, host, bytes);
    }
    return status;
  }

  Status convert(Stream* stream, const Kernel& kernel, const void* from, void* to, std::int64_t elements) const {
    const ConvertArguments arguments{from, to, elements};
    return launch(stream, kernel, grid(elements), &arguments);
  }

  Grid grid(std::int64_t places) const { return {staged_blocks(places, info_), kStagedThreads, 0}; }

  Status run_staged(const View<T>* views, Stream* stream, std::int64_t items, std::int64_t part_count) const {
    std::size_t section = 0;
    for (std::size_t i = 0; i < compiled_.ops.size(); i++) {
      if (section < compiled_.sections.size() && compiled_.sections[section].first == i) {
        const Status status = run_boxed(views, stream, section, items);
        if (!status.ok()) return status;
        i = compiled_.sections[section++].end - 1;
        continue;
      }
      if (compiled_.work[i] == 0) continue;
      const OpCode& op = compiled_.ops[i];
      StagedArguments<T> arguments{};
      arguments.code = tables_.as<CodeTables>(), arguments.views = views, arguments.constants = constants_.as<T>();
      const StagedLaunch how = staged_launch(compiled_, i, items, op.sums_items ? part_count : 1, info_);
      arguments.op = std::uint32_t(i), arguments.count = how.count, arguments.chunk = how.chunk;
      arguments.items = std::uint32_t(items), arguments.parts = how.parts, arguments.precision = options_.precision;
      std::copy_n(how.groups, how.count, arguments.groups);
      i += how.count - 1;
      const Status status = launch(stream, staged_kernel<T>(op.kind), {how.blocks, kStagedThreads, 0}, &arguments);
      if (!status.ok()) return status;
    }
    return {};
  }

  Status run_boxed(const View<T>* views, Stream* stream, std::size_t number, std::int64_t items) const {
    const CompiledSection& section = compiled_.sections[number];
    BoxedArguments<T> arguments{};
    arguments.code = tables_.as<CodeTables>(), arguments.views = views;
    arguments.constants = constants_.as<T>();
    arguments.offsets = reinterpret_cast<const std::int64_t*>(tables_.as<char>() + offsets_at_[number]);
    arguments.arena = section.elements;
    arguments.section = std::uint32_t(number), arguments.items = std::uint32_t(items);
    arguments.buffer_count = std::uint32_t(compiled_.buffers.size());
    arguments.teams = compiled_.box_teams, arguments.threads = kFusedThreads / compiled_.box_teams;
    arguments.precision = options_.precision;
    const std::size_t table = (compiled_.buffers.size() * sizeof(View<T>) + 15) / 16 * 16;
    const std::size_t shared = compiled_.box_teams * (table + std::size_t(section.elements) * sizeof(T));
    return launch(stream, boxed_kernel<T>(), {box_blocks(section, items), int(kFusedThreads), shared}, &arguments);
  }

  Status run_fused(const Slot& slot, const View<T>* views, Stream* stream, std::int64_t items,
                   std::int64_t part_count) const {
    const std::int64_t blocks = std::min(fused_blocks(items), part_count / layout_.teams);
    FusedArguments<T> arguments{};
    arguments.code = tables_.as<CodeTables>(), arguments.constants = constants_.as<T>();
    arguments.buffers = reinterpret_cast<const FusedBuffer*>(tables_.as<char>() + buffers_at_);
    arguments.groups = reinterpret_cast<const std::uint32_t*>(tables_.as<char>() + groups_at_);
    arguments.views = views;
    arguments.arenas = layout_.in_shared ? nullptr : slot.scratch.template as<T>();
    arguments.arena = layout_.arena, arguments.flip = layout_.flip, arguments.items = items;
    arguments.buffer_count = std::uint32_t(layout_.buffers.size());
    arguments.resident = std::uint32_t(layout_.resident);
    arguments.tile = fused_tile(layout_, items, info_), arguments.teams = layout_.teams,
    arguments.threads = layout_.threads;
    arguments.dtype = std::uint32_t(dtype_);
    arguments.precision = options_.precision;
    return launch(stream, fused_kernel<T>(), {blocks, int(layout_.teams * layout_.threads), layout_.shared},
                  &arguments);
  }

  // Adds the parts of what sums over items.
  Status finish_shared(const Slot& slot, void* const* operands, Stream* stream, std::int64_t part_count) const {
    if (partial_size_ == 0) return {};
    std::int64_t partial = 0;
    for (std::size_t b = 0; b < program_.buffers.size(); b++) {
      const Buffer& buffer = program_.buffers[b];
      if (!buffer.shared_output()) continue;
      const std::size_t operand = compiled_.buffers[b].operand;
      const CombineArguments<T> arguments{slot.partials.template as<T>() + partial, static_cast<T*>(operands[operand]),
                                          buffer.size, partial_size_, std::uint32_t(part_count)};
      partial += partial_step(buffer);
      if (buffer.size == 0) continue;
      const Status status = launch(stream, combine_kernel<T>(), grid(buffer.size), &arguments);
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
  std::vector<std::size_t> offsets_at_;  // by section
  std::int64_t partial_size_ = 0, item_bytes_ = 0;
  mutable std::mutex mutex_;
  mutable std::map<std::int64_t, bool> fused_;  // by batch
  mutable std::vector<std::unique_ptr<Slot>> slots_;
};

template <class T>
std::unique_ptr<DeviceProgram> make(Program program, Dtype dtype, const LoadOptions& options, const DeviceInfo& info,
                                    Status& status) {
  auto executable = std::make_unique<DeviceExecutable<T>>(std::move(program), dtype, options, info);
  status = executable->init();
  if (!status.ok()) return nullptr;
  return executable;
}

}  // namespace

std::unique_ptr<DeviceProgram> load(const double* words, std::size_t count, Dtype dtype, const LoadOptions& options,
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
