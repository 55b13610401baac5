#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "core/cuda.h"
#include "cuda/compile.h"
#include "cuda/kernels/kernels.h"
#include "cuda/layout.h"
#include "cuda/model.h"
#include "cuda/slot.h"

namespace brauer::cuda {

// A program as a device runs it: its tables, which lie there, and the launches of its kernels.
template <class T>
class LoadedProgram {
  static constexpr std::int64_t kParts = 32;  // of what sums over the items of a call, instruction by instruction
  static constexpr std::int64_t kSteps = 16;  // of a part: so many sums are added one after the other
  static constexpr std::size_t kMostBatches = 1024;  // whose ways to run are remembered

 public:
  LoadedProgram(Program program, Dtype dtype, const LoadOptions& options, const DeviceInfo& info)
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
    }
    return upload();
  }

  const std::vector<Operand>& operands() const { return operands_; }
  std::int64_t widest() const { return compiled_.widest; }  // places of an item in its largest buffer

  // What a call of so many items runs as.
  bool is_fused(std::int64_t batch) const {
    if (options_.mode != Mode::automatic) return options_.mode == Mode::fused;
    const std::lock_guard lock(mutex_);
    if (fused_.size() > kMostBatches) fused_.clear();
    const auto [found, is_new] = fused_.try_emplace(batch, false);
    const int bytes = int(sizeof(T)), storage = storage_bytes(dtype_);
    if (is_new)
      found->second = estimate_fused(program_, compiled_, layout_, bytes, storage, batch, info_).seconds <=
                      estimate_staged(program_, compiled_, bytes, storage, batch, info_).seconds;
    return found->second;
  }

  // Whether inputs of 16 bits become float32 before kernels read them, and outputs after.
  bool widens(bool fused) const { return is_half(dtype_) && !fused; }
  // How what sums over the items of a batch goes: `step` items are added up at a time, to the sum of one part after the
  // other. It follows from the batch alone: bits must depend neither on how memory cuts it nor on who else has some.
  struct Deal {
    std::int64_t step = 1, parts = 1;
  };
  Deal deal(bool fused, std::int64_t batch) const {
    if (partial_size_ == 0) return {};
    if (fused) return {fused_tile(layout_, batch, info_), fused_blocks(batch) * layout_.teams};
    const std::int64_t step = std::max<std::int64_t>((batch + kParts * kSteps - 1) / (kParts * kSteps), 1);
    return {step, std::clamp<std::int64_t>((batch + step - 1) / step, 1, kParts)};
  }

  // A batch in chunks of at most `most` items, but for one that is all of it multiples of the step of its deal.
  struct Chunks {
    std::int64_t batch, most;
  };
  // Elements that runs need beside the operands.
  std::int64_t scratch(bool fused, const Chunks& chunks) const {
    if (!fused) return chunks.most * staged_elements();
    return layout_.in_shared ? 0 : blocks_at_once(chunks) * layout_.teams * layout_.arena;
  }
  std::int64_t partials(bool fused, std::int64_t batch) const {
    std::int64_t most = deal(fused, batch).parts;
    if (fused) return most * partial_size_;
    for (const CompiledSection& section : compiled_.sections)
      if (section.sums_items) most = std::max(most, box_blocks(section, batch) * compiled_.box_teams);
    return most * partial_size_;
  }
  // Scratch of an item; sections that run box by box need none for their local buffers.
  std::int64_t staged_elements() const {
    const bool boxed = compiled_.sections.size() == program_.sections.size();
    return compiled_.scratch + (boxed ? 0 : compiled_.local);
  }

  // operands: where they lie on the device.
  std::vector<View<T>> make_views(const Slot& slot, void* const* operands, std::int64_t items) const {
    std::vector<View<T>> views(compiled_.buffers.size());
    std::int64_t partial = 0;
    T* const scratch = slot.scratch.template as<T>();
    for (std::size_t b = 0; b < views.size(); b++) {
      const Placed& placed = compiled_.buffers[b];
      const bool is_wide = widens(slot.fused) && !program_.buffers[b].shared;
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

  // Before the first chunk.
  Status clear_parts(const Slot& slot, Stream* stream, std::int64_t batch) const {
    if (partial_size_ == 0) return {};
    return fill(stream, slot.partials.get(), 0, std::size_t(partials(slot.fused, batch)) * sizeof(T));
  }

  // The chunk that begins at an item, whose operands lie on the device.
  Status run_chunk(const Slot& slot, std::int64_t first, void* const* operands, Stream* stream,
                   const Chunks& chunks) const {
    const std::int64_t items = std::min(chunks.most, chunks.batch - first);
    const auto* views =
        slot.views.template as<View<T>>() + first / chunks.most * std::int64_t(compiled_.buffers.size());
    Status status = widen(slot, operands, stream, items);
    if (status.ok())
      status = slot.fused ? run_fused(slot, views, stream, first, items, chunks)
                          : run_staged(views, stream, first, items, chunks.batch);
    return status.ok() ? narrow(slot, operands, stream, items) : status;
  }

  // After the last chunk: adds the parts of what sums over items.
  Status finish_shared(const Slot& slot, void* const* operands, Stream* stream, std::int64_t batch) const {
    if (partial_size_ == 0) return {};
    const std::int64_t part_count = partials(slot.fused, batch) / partial_size_;
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

 private:
  std::int64_t fused_blocks(std::int64_t items) const {
    const std::int64_t tile = fused_tile(layout_, items, info_), tiles = (items + tile - 1) / tile;
    return std::clamp<std::int64_t>((tiles + layout_.teams - 1) / layout_.teams, 1, 2 * info_.multiprocessors);
  }
  // Blocks of the fused kernel that run a chunk: all that a batch is dealt to, or fewer where arenas take memory.
  std::int64_t blocks_at_once(const Chunks& chunks) const {
    const std::int64_t blocks = fused_blocks(chunks.most);
    if (partial_size_ == 0) return blocks;
    return layout_.in_shared ? fused_blocks(chunks.batch) : std::min(blocks, fused_blocks(chunks.batch));
  }

  std::int64_t box_blocks(const CompiledSection& section, std::int64_t items) const {
    const std::int64_t teams = compiled_.box_teams;
    return std::clamp<std::int64_t>((section.boxes * items + teams - 1) / teams, 1, 2 * info_.multiprocessors);
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
    return widens(slot.fused) && !operand.shared && operand.size > 0;
  }

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

  Status convert(Stream* stream, const Kernel& kernel, const void* from, void* to, std::int64_t elements) const {
    const ConvertArguments arguments{from, to, elements};
    return launch(stream, kernel, grid(elements), &arguments);
  }

  Grid grid(std::int64_t places) const { return {staged_blocks(places, info_), kStagedThreads, 0}; }

  Status run_staged(const View<T>* views, Stream* stream, std::int64_t first, std::int64_t items,
                    std::int64_t batch) const {
    const Deal dealt = deal(false, batch);
    std::size_t section = 0;
    for (std::size_t i = 0; i < compiled_.ops.size(); i++) {
      if (section < compiled_.sections.size() && compiled_.sections[section].first == i) {
        const Status status = run_boxed(views, stream, section, first, items, batch);
        if (!status.ok()) return status;
        i = compiled_.sections[section++].end - 1;
        continue;
      }
      if (compiled_.work[i] == 0) continue;
      const OpCode& op = compiled_.ops[i];
      StagedArguments<T> arguments{};
      arguments.code = tables_.as<CodeTables>(), arguments.views = views, arguments.constants = constants_.as<T>();
      const StagedLaunch how = staged_launch(compiled_, i, items, op.sums_items ? dealt.parts : 1, info_);
      arguments.op = std::uint32_t(i), arguments.count = how.count;
      arguments.chunk = op.sums_items ? std::uint32_t(dealt.step) : how.chunk;
      arguments.turn = op.sums_items ? std::uint32_t(first / dealt.step % dealt.parts) : 0;
      arguments.items = std::uint32_t(items), arguments.parts = how.parts, arguments.precision = options_.precision;
      std::copy_n(how.groups, how.count, arguments.groups);
      i += how.count - 1;
      const Status status = launch(stream, staged_kernel<T>(op.kind), {how.blocks, kStagedThreads, 0}, &arguments);
      if (!status.ok()) return status;
    }
    return {};
  }

  Status run_boxed(const View<T>* views, Stream* stream, std::size_t number, std::int64_t first, std::int64_t items,
                   std::int64_t batch) const {
    const CompiledSection& section = compiled_.sections[number];
    const std::int64_t blocks = box_blocks(section, section.sums_items ? batch : items);
    BoxedArguments<T> arguments{};
    arguments.code = tables_.as<CodeTables>(), arguments.views = views;
    arguments.constants = constants_.as<T>();
    arguments.offsets = reinterpret_cast<const std::int64_t*>(tables_.as<char>() + offsets_at_[number]);
    arguments.arena = section.elements;
    arguments.section = std::uint32_t(number), arguments.items = std::uint32_t(items);
    arguments.buffer_count = std::uint32_t(compiled_.buffers.size());
    arguments.teams = compiled_.box_teams, arguments.threads = kFusedThreads / compiled_.box_teams;
    arguments.precision = options_.precision;
    arguments.turn = section.sums_items ? std::uint32_t(first * section.boxes % (blocks * compiled_.box_teams)) : 0;
    const std::size_t table = (compiled_.buffers.size() * sizeof(View<T>) + 15) / 16 * 16;
    const std::size_t shared = compiled_.box_teams * (table + std::size_t(section.elements) * sizeof(T));
    return launch(stream, boxed_kernel<T>(), {blocks, int(kFusedThreads), shared}, &arguments);
  }

  Status run_fused(const Slot& slot, const View<T>* views, Stream* stream, std::int64_t first, std::int64_t items,
                   const Chunks& chunks) const {
    const bool sums = partial_size_ != 0;
    const Deal dealt = deal(true, chunks.batch);
    const std::int64_t blocks = sums ? blocks_at_once(chunks) : std::min(fused_blocks(items), blocks_at_once(chunks));
    FusedArguments<T> arguments{};
    arguments.code = tables_.as<CodeTables>(), arguments.constants = constants_.as<T>();
    arguments.buffers = reinterpret_cast<const FusedBuffer*>(tables_.as<char>() + buffers_at_);
    arguments.groups = reinterpret_cast<const std::uint32_t*>(tables_.as<char>() + groups_at_);
    arguments.views = views;
    arguments.arenas = layout_.in_shared ? nullptr : slot.scratch.template as<T>();
    arguments.arena = layout_.arena, arguments.flip = layout_.flip, arguments.items = items;
    arguments.buffer_count = std::uint32_t(layout_.buffers.size());
    arguments.resident = std::uint32_t(layout_.resident);
    arguments.tile = sums ? std::uint32_t(dealt.step) : fused_tile(layout_, items, info_);
    arguments.parts = std::uint32_t(sums ? dealt.parts : blocks * layout_.teams);
    arguments.turn = sums ? std::uint32_t(first / dealt.step % dealt.parts) : 0;
    arguments.across = std::int64_t(arguments.parts) * arguments.tile;
    arguments.teams = layout_.teams;
    arguments.threads = layout_.threads;
    arguments.dtype = std::uint32_t(dtype_);
    arguments.precision = options_.precision;
    const std::int64_t teams = blocks * layout_.teams;
    Status status;
    for (std::int64_t part = 0; part < arguments.parts && status.ok(); part += teams) {
      arguments.first_part = std::uint32_t(part);
      status =
          launch(stream, fused_kernel<T>(), {blocks, int(layout_.teams * layout_.threads), layout_.shared}, &arguments);
    }
    return status;
  }

  Program program_;
  Dtype dtype_;
  LoadOptions options_;
  DeviceInfo info_;
  Compiled compiled_;
  FusedLayout layout_;
  std::vector<Operand> operands_;
  DeviceMemory tables_, constants_;
  std::size_t buffers_at_ = 0, groups_at_ = 0;
  std::vector<std::size_t> offsets_at_;  // by section
  std::int64_t partial_size_ = 0;
  mutable std::mutex mutex_;
  mutable std::map<std::int64_t, bool> fused_;  // by batch
};

}  // namespace brauer::cuda
