#include "emulation/grid.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "emulation/accesses.h"
#include "emulation/sanitizers.h"

namespace brauer::emulation {

Run* running = nullptr;
constinit thread_local Lane* current __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

// A wave has so many threads, but always two blocks if the grid does.
constexpr std::size_t threads_of_wave = 512;
constexpr std::size_t shared_alignment = 128;

Context host;

[[noreturn]] void switch_for_good(Context& to) {
  Context& from = current->context;
  if (&to == &host) current = nullptr;
  switch_context(from, to);
  __builtin_unreachable();
}

Lane* next_ready() {
  if (running->ready.empty()) return nullptr;
  Lane* lane = running->ready.back();
  running->ready.pop_back();
  return lane;
}

// What every fibre runs.
void lane_main() {
  entered(current->context);
  Lane& self = *current;
  observe(running->start);
  running->kernel.call(running->kernel.function, running->argument);
  land_all_copies(self);
  publish(running->finish);
  self.at = Lane::At::end;
  if (--self.block->unfinished == 0) running->unfinished--;
  Lane* next = next_ready();
  if (next == nullptr) {
    if (running->unfinished > 0) running->fault = describe_standstill();
    switch_for_good(host);
  }
  current = next;
  switch_context(self.context, next->context);
  __builtin_unreachable();
}

// What a launch allocates for its waves. Freshly allocated each time: to ThreadSanitizer an address that another
// stream's launch used would be a conflict or an order.
struct Memory {
  std::vector<void*> pieces;

  char* take(std::size_t bytes, std::size_t alignment) {
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, bytes) != 0) return nullptr;
    pieces.push_back(memory);
    return static_cast<char*>(memory);
  }
  ~Memory() {
    for (void* piece : pieces) std::free(piece);
  }
};

void unmap_pages(Block& block) {
  if (block.pages != nullptr) munmap(block.pages, block.page_bytes);
  block.pages = nullptr;
  block.page_bytes = 0;
}

// Guards before and after shared memory, where no sanitizer puts its own.
constexpr std::size_t guard_bytes = guards_memory ? 0 : 256;
constexpr unsigned char guard_value = 0xa7;

// Where accesses are looked at, shared memory keeps its distance from the heap: an address near it is meant for it.
bool map_pages(Block& block, std::size_t bytes) {
  const auto page = std::size_t(sysconf(_SC_PAGESIZE));
  const std::size_t inner = (bytes + page - 1) / page * page;
  if (block.page_bytes >= inner + 2 * page) return true;
  unmap_pages(block);
  void* memory = mmap(nullptr, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  block.pages = static_cast<char*>(memory);
  block.page_bytes = inner + 2 * page;
  return mprotect(block.pages + page, inner, PROT_READ | PROT_WRITE) == 0;
}

char* take_shared(Block& block, std::size_t bytes, Memory& memory) {
  if (!checks_accesses) return memory.take(bytes, shared_alignment);
  return map_pages(block, bytes) ? block.pages + sysconf(_SC_PAGESIZE) : nullptr;
}

void paint(char* memory, unsigned char value, std::size_t bytes) { std::memset(memory, value, bytes); }

bool is_painted(const char* memory, unsigned char value, std::size_t bytes) {
  return std::all_of(memory, memory + bytes, [&](char c) { return static_cast<unsigned char>(c) == value; });
}

void start_block(Block& block, std::int64_t index, Lane* const* lanes) {
  const int threads = running->grid.threads;
  block.index = index;
  block.lanes = lanes;
  block.unfinished = threads;
  block.warps.assign(std::size_t(threads / warp_size), {});
  for (Barrier& barrier : block.barriers) {
    barrier.waiting.clear();
    barrier.waiting.reserve(std::size_t(threads));  // no fibre may allocate for others
  }
  paint(block.shared, running->settings.poison, running->grid.shared);
  Clock* clock = nullptr;
  if (checks_accesses && running->settings.check) {
    block.number = new_block(running->work);
    if (block.number == 0) running->fault << "more blocks than can be numbered";
    if (block.clocks.empty() || block.clocks[0].epochs.size() != std::size_t(threads)) {
      block.clocks.clear();
      block.clocks.emplace_back();
    }
    for (Clock& c : block.clocks) c.uses = 0;
    clock = &block.clocks[0];
    clock->uses = threads;
    clock->epochs.assign(std::size_t(threads), 0);
    block.cells.resize((running->grid.shared + word_bytes - 1) / word_bytes);
  }
  for (int i = 0; i < threads; i++) {
    Lane& lane = *lanes[i];
    lane.block = &block;
    lane.thread = i;
    lane.at = Lane::At::running;
    lane.where = {};
    lane.self = access_of(block.number, i, 1);
    lane.clock = clock;
    lane.copies.clear();
    lane.groups.clear();
    lane.first_group = lane.landed = 0;
    start_context(lane.context, lane_main);
  }
}

void run_wave() {
  host.order = current_order();
  make_ready(running->wave.data(), running->wave.size());
  publish(running->start);
  current = next_ready();
  switch_context(host, current->context);
  observe(running->finish);
}

Text overrun(const Block& block) {
  const std::size_t shared = running->grid.shared;
  if (is_painted(block.shared - guard_bytes, guard_value, guard_bytes) &&
      is_painted(block.shared + shared, guard_value, guard_bytes))
    return {};
  return Text() << "block " << block.index << ": a write outside its " << std::int64_t(shared)
                << " bytes of shared memory";
}

// Fibres that stopped in the middle start anew.
void abandon(Run& run) {
  for (Lane* lane : run.wave) {
    if (lane->at == Lane::At::end) continue;
    switch_order(lane->context.order);
    publish(run.finish);
    switch_order(host.order);
    abandon_context(lane->context);
  }
  observe(run.finish);
}

}  // namespace

bool LanePool::grow(std::size_t block_count, std::size_t threads) {
  if (blocks.size() < block_count) blocks.resize(block_count);
  while (lanes.size() < block_count * threads) {
    auto lane = std::make_unique<Lane>();
    if (!create_context(lane->context)) return false;
    lanes.push_back(std::move(lane));
  }
  return true;
}

LanePool::~LanePool() {
  for (auto& lane : lanes) destroy_context(lane->context);
  for (Block& block : blocks) unmap_pages(block);
}

void make_ready(Lane* const* lanes, std::size_t count) {
  const Permutation order(std::int64_t(count), running->random);
  for (std::size_t i = 0; i < count; i++) {
    Lane* lane = lanes[order[std::int64_t(i)]];
    if (lane != current) running->ready.push_back(lane);
  }
}

void wait_for_others() {
  Lane* self = current;
  Lane* next = next_ready();
  if (next == nullptr) {
    running->fault = describe_standstill();
    switch_for_good(host);
  }
  current = next;
  switch_context(self->context, next->context);
  self->at = Lane::At::running;
}

void fail_launch(const Text& fault) {
  running->fault << "block " << current->block->index << ", thread " << current->thread << ": " << fault;
  switch_for_good(host);
}

Status run_grid(Run& run) {
  const cuda::Grid& grid = run.grid;
  const auto threads = std::size_t(grid.threads), blocks = std::size_t(grid.blocks);
  const std::size_t resident = std::min(blocks, std::max(threads_of_wave / threads, std::size_t(2)));
  Memory memory;
  run.start = memory.take(8, 8);
  run.finish = memory.take(8, 8);
  bool has_memory = run.pool.grow(resident, threads);
  for (std::size_t i = 0; i < resident && has_memory; i++) {
    Block& block = run.pool.blocks[i];
    char* shared = take_shared(block, grid.shared + 2 * guard_bytes, memory);
    block.sync = memory.take(8 * (2 * barrier_count + 2 * threads / warp_size), 8);
    has_memory = shared != nullptr && block.sync != nullptr;
    if (!has_memory) break;
    block.shared = shared + guard_bytes;
    paint(shared, guard_value, guard_bytes);
    paint(block.shared + grid.shared, guard_value, guard_bytes);
  }
  if (!has_memory) return Status::error(Code::internal, "no memory to emulate a launch");

  running = &run;
  run.ready.reserve(resident * threads);
  const Permutation order(grid.blocks, run.random);
  for (std::size_t done = 0; done < blocks && run.fault.empty(); done += resident) {
    const std::size_t count = std::min(resident, blocks - done);
    run.wave.clear();
    for (std::size_t i = 0; i < count * threads; i++) run.wave.push_back(run.pool.lanes[i].get());
    for (std::size_t i = 0; i < count; i++)
      start_block(run.pool.blocks[i], order[std::int64_t(done + i)], &run.wave[i * threads]);
    if (!run.fault.empty()) break;
    run.unfinished = int(count);
    run_wave();
    for (std::size_t i = 0; i < count && run.fault.empty(); i++) run.fault = overrun(run.pool.blocks[i]);
  }
  if (!run.fault.empty()) abandon(run);
  running = nullptr;
  current = nullptr;
  if (run.fault.empty()) return {};
  return Status::error(Code::internal, "kernel " + std::string(run.kernel.name) + ", " + std::string(run.fault.view()) +
                                           describe_place(run.fault_pc));
}

}  // namespace brauer::emulation
