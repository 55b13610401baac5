#include <cstring>

#include "emulation/arena.h"
#include "emulation/machine.h"

namespace brauer::emulation {

namespace {

Status take(int device, std::size_t bytes, void*& memory) {
  Machine& m = machine();
  memory = nullptr;
  if (device >= 0 &&
      m.devices[std::size_t(device)].used + std::int64_t(bytes) > m.devices[std::size_t(device)].info.memory)
    return Status::error(Code::out_of_memory, "the emulated device has no " + std::to_string(bytes) + " bytes left");
  if (bytes == 0) return {};
  memory = take_memory(device + 1, bytes);
  if (memory == nullptr)
    return Status::error(Code::out_of_memory, "no address space for " + std::to_string(bytes) + " bytes");
  std::memset(memory, m.settings.poison, bytes);
  m.allocations[static_cast<char*>(memory)] = {bytes, device};
  if (device >= 0) m.devices[std::size_t(device)].used += std::int64_t(bytes);
  return {};
}

void give_back(int device, void* memory) {
  if (memory == nullptr) return;
  Machine& m = machine();
  const auto found = m.allocations.find(static_cast<char*>(memory));
  if (found == m.allocations.end() || found->second.device != device) {
    m.misuse = "a release of memory that was not allocated, or not there";
    return;
  }
  if (found->second.device >= 0) m.devices[std::size_t(found->second.device)].used -= std::int64_t(found->second.bytes);
  drop_memory(static_cast<char*>(memory), found->second.bytes);
  m.allocations.erase(found);
}

}  // namespace

bool is_registered(const void* memory) {
  const auto& all = machine().allocations;
  auto next = all.upper_bound(static_cast<const char*>(memory));
  if (next == all.begin()) return false;
  --next;
  return static_cast<const char*>(memory) < next->first + next->second.bytes;
}

}  // namespace brauer::emulation

namespace brauer::cuda {

using namespace emulation;

Status allocate(int device, std::size_t bytes, void*& memory) {
  const std::lock_guard lock(machine().mutex);
  memory = nullptr;
  if (Status status = begin_call(Call::allocate, device); !status.ok()) return status;
  return take(device, bytes, memory);
}

void release(int device, void* memory) {
  const std::lock_guard lock(machine().mutex);
  give_back(device, memory);
}

Status allocate_pinned(std::size_t bytes, void*& memory) {
  const std::lock_guard lock(machine().mutex);
  memory = nullptr;
  if (Status status = begin_call(Call::allocate_pinned, -1); !status.ok()) return status;
  return take(-1, bytes, memory);
}

void release_pinned(void* memory) {
  const std::lock_guard lock(machine().mutex);
  give_back(-1, memory);
}

Status free_memory(int device, std::int64_t& free, std::int64_t& total) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = begin_call(Call::free_memory, device); !status.ok()) return status;
  const Device& d = machine().devices[std::size_t(device)];
  total = d.info.memory;
  free = total - d.used;
  return {};
}

}  // namespace brauer::cuda
