#include <cstdlib>
#include <cstring>

#include "emulation/machine.h"

namespace brauer::emulation {

namespace {

Status take(int device, std::size_t bytes, void*& memory) {
  Machine& m = machine();
  memory = nullptr;
  if (device >= 0 &&
      m.devices[std::size_t(device)].used + std::int64_t(bytes) > m.devices[std::size_t(device)].info.memory)
    return Status::error(Code::out_of_memory, "the emulated device has no " + std::to_string(bytes) + " bytes left");
  if (posix_memalign(&memory, 256, bytes) != 0)
    return Status::error(Code::out_of_memory, "no " + std::to_string(bytes) + " bytes");
  std::memset(memory, m.settings.poison, bytes);
  m.allocations[static_cast<char*>(memory)] = {bytes, device};
  if (device >= 0) m.devices[std::size_t(device)].used += std::int64_t(bytes);
  return {};
}

void give_back(void* memory) {
  if (memory == nullptr) return;
  Machine& m = machine();
  const auto found = m.allocations.find(static_cast<char*>(memory));
  if (found == m.allocations.end()) return;
  if (found->second.device >= 0) m.devices[std::size_t(found->second.device)].used -= std::int64_t(found->second.bytes);
  std::memset(memory, m.settings.poison, found->second.bytes);
  m.allocations.erase(found);
  std::free(memory);
}

const Allocation* find(const void* memory, std::size_t bytes) {
  const auto& all = machine().allocations;
  auto next = all.upper_bound(static_cast<const char*>(memory));
  if (next == all.begin()) return nullptr;
  --next;
  return static_cast<const char*>(memory) + bytes <= next->first + next->second.bytes ? &next->second : nullptr;
}

}  // namespace

bool is_pinned(const void* memory, std::size_t bytes) {
  const Allocation* found = find(memory, bytes);
  return found != nullptr && found->device < 0;
}

bool is_device_memory(const void* memory) {
  const Allocation* found = find(memory, 1);
  return found != nullptr && found->device >= 0;
}

}  // namespace brauer::emulation

namespace brauer::cuda {

using namespace emulation;

Status allocate(int device, std::size_t bytes, void*& memory) {
  const std::lock_guard lock(machine().mutex);
  memory = nullptr;
  if (Status status = check_device(device); !status.ok()) return status;
  return take(device, bytes, memory);
}

void release(int, void* memory) {
  const std::lock_guard lock(machine().mutex);
  give_back(memory);
}

Status allocate_pinned(std::size_t bytes, void*& memory) {
  const std::lock_guard lock(machine().mutex);
  return take(-1, bytes, memory);
}

void release_pinned(void* memory) {
  const std::lock_guard lock(machine().mutex);
  give_back(memory);
}

Status free_memory(int device, std::int64_t& free, std::int64_t& total) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = check_device(device); !status.ok()) return status;
  const Device& d = machine().devices[std::size_t(device)];
  total = d.info.memory;
  free = total - d.used;
  return {};
}

}  // namespace brauer::cuda
