#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>

#include "core/cuda.h"
#include "cuda/bound_run.h"
#include "cuda/loaded.h"
#include "cuda/slot.h"

namespace brauer::cuda {
namespace {

constexpr std::int64_t kMostPlaces = (std::int64_t(1) << 31) - 1;

template <class T>
class DeviceExecutable final : public DeviceProgram {
 public:
  DeviceExecutable(Program program, Dtype dtype, const LoadOptions& options, const DeviceInfo& info)
      : loaded_(std::move(program), dtype, options, info), options_(options) {}

  Status init() {
    const Status status = loaded_.init();
    operands_ = loaded_.operands();
    return status;
  }

  int device() const override { return options_.device; }

  Status run(std::int64_t batch, void* const* operands, int, const std::atomic<bool>* cancel) const override {
    return run_resident(batch, operands, nullptr, cancel);
  }

  Status run_resident(std::int64_t batch, void* const* operands, const bool* resident,
                      const std::atomic<bool>* cancel) const override {
    try {
      std::unique_ptr<Slot> slot = take_slot();
      Status status = run_in(*slot, batch, operands, Resident(resident, operands_.size()), cancel);
      // Work in flight must not outlive what it reads and writes.
      const Status end = slot->stream ? synchronise(slot->stream) : Status{};
      if (status.ok()) status = end;
      if (status.ok()) {
        slot->free();
        give_back(std::move(slot));
      }
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
  using Chunks = typename LoadedProgram<T>::Chunks;

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

  // Memory of a run: for its scratch, and for the operands that do not lie on the device.
  Status reserve(Slot& slot, const Chunks& chunks, const Resident& resident) const {
    Status status;
    while (slot.operands.size() < operands_.size()) {
      slot.operands.emplace_back(options_.device);
      slot.wide.emplace_back(options_.device);
    }
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++) {
      const Operand& operand = operands_[i];
      const auto elements = std::size_t(operand.size * (operand.shared ? 1 : chunks.most));
      if (!resident[i])
        status = slot.operands[i].reserve(std::max<std::size_t>(elements * std::size_t(operand.element_bytes), 1));
      if (status.ok() && loaded_.widens(slot.fused) && !operand.shared)
        status = slot.wide[i].reserve(std::max<std::size_t>(elements * sizeof(T), 1));
    }
    if (status.ok()) status = slot.scratch.reserve(std::size_t(loaded_.scratch(slot.fused, chunks)) * sizeof(T));
    if (status.ok())
      status = slot.partials.reserve(std::size_t(loaded_.partials(slot.fused, chunks.batch)) * sizeof(T));
    return status;
  }

  // A batch may be cut into chunks of so many items, and otherwise into chunks of multiples of `unit`.
  struct Room {
    std::int64_t most, unit;
  };

  // Chunks whose scratch, and operands that do not lie on the device, have room in the memory given, and whose places
  // are within 31 bits.
  Room room(bool fused, std::int64_t batch, const Resident& resident) const {
    std::int64_t each = (fused ? 0 : loaded_.staged_elements()) * std::int64_t(sizeof(T));
    std::int64_t unit = loaded_.deal(fused, batch).step;
    for (std::size_t i = 0; i < operands_.size(); i++) {
      const auto& [output, shared, size, bytes] = operands_[i];
      if (shared) continue;
      each += size * ((resident[i] ? 0 : bytes) + (loaded_.widens(fused) ? std::int64_t(sizeof(T)) : 0));
      // Within operands on the device a chunk begins at a multiple of 16 bytes.
      if (resident[i]) unit = std::lcm(unit, 16 / std::gcd(std::int64_t(16), size * bytes));
    }
    const std::int64_t memory = std::min(options_.memory, available(options_.device));
    std::int64_t most = kMostPlaces / loaded_.widest();
    if (each > 0) most = std::min(most, memory / each);
    if (most >= batch) return {std::max<std::int64_t>(batch, 1), unit};
    return {std::min(std::max(most / unit * unit, unit), batch), unit};
  }

  // `prepare` with chunks that there is room for: blocks of memory are larger than what is asked for, and others take
  // memory meanwhile.
  Status prepare_some(Slot& slot, const Room& first, void* const* operands, const Resident& resident,
                      Chunks& chunks) const {
    chunks.most = first.most;
    Status status = prepare(slot, chunks, operands, resident, slot.stream);
    while (status.code == Code::out_of_memory && chunks.most > first.unit) {
      slot.free();
      chunks.most = std::max(chunks.most / 2 / first.unit * first.unit, first.unit);
      status = prepare(slot, chunks, operands, resident, slot.stream);
    }
    return status;
  }

  // Where the operands of the items from `first` on lie on the device.
  std::vector<void*> places(const Slot& slot, void* const* operands, const Resident& resident,
                            std::int64_t first) const {
    std::vector<void*> result(operands_.size());
    for (std::size_t i = 0; i < result.size(); i++) {
      const auto& [output, shared, size, bytes] = operands_[i];
      result[i] = !resident[i] ? slot.operands[i].get()
                  : shared     ? operands[i]
                               : static_cast<char*>(operands[i]) + first * size * bytes;
    }
    return result;
  }

  // Memory and views of a run. Chunks differ in their views alone, which lie on the device one table after the other.
  Status prepare(Slot& slot, const Chunks& chunks, void* const* operands, const Resident& resident,
                 Stream* stream) const {
    Status status = reserve(slot, chunks, resident);
    if (!status.ok()) return status;
    std::vector<View<T>> views;
    for (std::int64_t first = 0; first == 0 || first < chunks.batch; first += chunks.most) {
      const auto own = loaded_.make_views(slot, places(slot, operands, resident, first).data(), chunks.most);
      views.insert(views.end(), own.begin(), own.end());
    }
    const std::size_t bytes = views.size() * sizeof(View<T>);
    if (bytes == 0) return {};
    status = slot.views.reserve(bytes);
    if (status.ok()) status = slot.host_views.reserve(bytes);
    if (!status.ok()) return status;
    std::memcpy(slot.host_views.get(), views.data(), bytes);
    return copy(stream, slot.views.get(), slot.host_views.get(), bytes);
  }

  Status run_in(Slot& slot, std::int64_t batch, void* const* operands, const Resident& resident,
                const std::atomic<bool>* cancel) const {
    slot.fused = loaded_.is_fused(batch);
    const Room whole = room(slot.fused, batch, resident);
    if (whole.most > kMostPlaces / loaded_.widest())
      return Status::error(Code::invalid_argument,
                           "run: expected items of fewer elements on a device, or on the host, received " +
                               std::to_string(loaded_.widest()) + " each");
    Status status;
    if (!slot.stream) status = create_stream(options_.device, slot.stream);
    Chunks chunks{batch, 1};
    if (status.ok()) status = prepare_some(slot, whole, operands, resident, chunks);
    if (status.ok()) status = move_operands(slot, operands, resident, 0, 1, Moved::shared_inputs);
    if (status.ok()) status = loaded_.clear_parts(slot, slot.stream, batch);
    for (std::int64_t first = 0; first < batch && status.ok(); first += chunks.most) {
      if (cancel && *cancel) return Status::error(Code::aborted, "run: expected to finish, received an abort");
      const std::int64_t items = std::min(chunks.most, batch - first);
      status = move_operands(slot, operands, resident, first, items, Moved::item_inputs);
      if (status.ok())
        status = loaded_.run_chunk(slot, first, places(slot, operands, resident, first).data(), slot.stream, chunks);
      if (status.ok()) status = move_operands(slot, operands, resident, first, items, Moved::item_outputs);
    }
    if (status.ok())
      status = loaded_.finish_shared(slot, places(slot, operands, resident, 0).data(), slot.stream, batch);
    return status.ok() ? move_operands(slot, operands, resident, 0, 1, Moved::shared_outputs) : status;
  }

  // Operands between the host and the device; of items, those from `first` on.
  enum class Moved { item_inputs, item_outputs, shared_inputs, shared_outputs };
  Status move_operands(Slot& slot, void* const* operands, const Resident& resident, std::int64_t first,
                       std::int64_t items, Moved moved) const {
    const bool out = moved == Moved::item_outputs || moved == Moved::shared_outputs;
    const bool once = moved == Moved::shared_inputs || moved == Moved::shared_outputs;
    Status status;
    for (std::size_t i = 0; i < operands_.size() && status.ok(); i++) {
      const auto& [output, shared, size, element] = operands_[i];
      if (resident[i] || shared != once || output != out || size == 0) continue;
      const auto bytes = std::size_t(size * items * element);
      char* const host = static_cast<char*>(operands[i]) + first * size * element;
      void* const device = slot.operands[i].get();
      status = out ? slot.staging.download(slot.stream, host, device, bytes)
                   : slot.staging.upload(slot.stream, device, host, bytes);
    }
    return status;
  }

  LoadedProgram<T> loaded_;
  LoadOptions options_;
  mutable std::mutex mutex_;
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
    DeviceInfo device;
    Program program;
    status = find_device(options.device, &device);
    if (status.ok()) status = decode(words, count, program);
    if (status.ok()) status = verify(program);
    if (!status.ok()) return nullptr;
    return dtype == Dtype::f64 ? make<double>(std::move(program), dtype, options, device, status)
                               : make<float>(std::move(program), dtype, options, device, status);
  } catch (const std::bad_alloc&) {
    status = Status::error(Code::out_of_memory, "load: expected memory for a program, received none");
  } catch (...) {
    status = Status::error(Code::internal, "load: unexpected failure");
  }
  return nullptr;
}

}  // namespace brauer::cuda
