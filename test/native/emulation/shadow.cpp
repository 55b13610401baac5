#include "emulation/shadow.h"

#include <algorithm>

namespace brauer::emulation {

namespace {

struct Owner {
  int stream;
  std::uint32_t number;
};

// By block; the first stands for none.
std::vector<Owner>& owners() {
  static auto* const all = new std::vector<Owner>{{-1, 0}};
  return *all;
}

bool is_settled(std::uint32_t block, const Work& work) {
  std::uint32_t& settled = work.settled[block % Work::settled_count];
  if (settled == block) return true;
  const Owner owner = owners()[block];
  const auto stream = std::size_t(owner.stream);
  const bool before = owner.stream == work.stream ? owner.number < work.number
                                                  : stream < work.known.size() && work.known[stream] >= owner.number;
  if (before) settled = block;
  return before;
}

// For accesses of the viewer's own block.
bool is_known(Access access, const Viewer& viewer) {
  if (lane_of(access) == lane_of(viewer.self)) return true;
  return viewer.clock->epochs[std::size_t(lane_of(access))] >= epoch_of(access);
}

bool happened_before(Access access, const Viewer& viewer) {
  const std::uint32_t block = block_of(access);
  return block == block_of(viewer.self) ? is_known(access, viewer) : is_settled(block, *viewer.work);
}

// Which access a full cell forgets for this one: a read if there is one, since a write conflicts with more. -1: this
// one itself, a read among many.
int victim(const Cell& cell, bool write) {
  static unsigned turn = 0;
  turn++;
  if (!write && turn % 4 != 0) return -1;
  for (unsigned i = 0; i < 3; i++)
    if (const unsigned at = (turn / 4 + i) % 3; !is_write(cell.latest[at])) return int(at);
  return int(turn / 4 % 3);
}

}  // namespace

void merge(std::vector<std::uint32_t>& known, const std::vector<std::uint32_t>& more) {
  if (known.size() < more.size()) known.resize(more.size(), 0);
  for (std::size_t i = 0; i < more.size(); i++) known[i] = std::max(known[i], more[i]);
}

std::uint32_t new_block(const Work& work) {
  if (owners().size() > most_blocks) return 0;
  owners().push_back({work.stream, work.number});
  return std::uint32_t(owners().size() - 1);
}

Access note_new(Cell& cell, Access mine, const Viewer& viewer) {
  const bool write = is_write(mine);
  const unsigned bytes = bytes_of(mine);
  int place = -1;
  for (int i = 0; i < 3; i++) {
    const Access other = cell.latest[i];
    if ((bytes_of(other) & bytes) == 0) continue;
    if (!write && !is_write(other)) {
      // A later read stands for an earlier one that happened before it.
      if ((bytes_of(other) & ~bytes) == 0 && block_of(other) == block_of(mine) && is_known(other, viewer)) place = i;
      continue;
    }
    if (!happened_before(other, viewer)) return other;
    // Whoever conflicts with the other conflicts with this one too, and whoever comes after this one after both.
    if (write && (bytes_of(other) & ~bytes) == 0) {
      cell.latest[i] = 0;
      place = i;
    }
  }
  for (int i = 0; i < 3 && place < 0; i++)
    if (cell.latest[i] == 0) place = i;
  if (place < 0) place = victim(cell, write);
  if (place >= 0) cell.latest[place] = mine;
  return 0;
}

Text describe(Access access, const Viewer& viewer) {
  Text text;
  text << (is_write(access) ? "a write by " : "a read by ");
  const std::uint32_t block = block_of(access);
  const Owner owner = owners()[block];
  if (block == block_of(viewer.self)) return text << "thread " << lane_of(access);
  if (owner.stream == viewer.work->stream && owner.number == viewer.work->number)
    return text << "thread " << lane_of(access) << " of another block";
  return text << "work of another stream that nothing orders before this";
}

}  // namespace brauer::emulation
