#include "core/terms.h"

#include <bit>

namespace brauer {
namespace {

// Elements that the loops of an orbit step through one by one, or 0 where they do otherwise.
Index contiguous(const Orbit& orbit) {
  Index run = 1;
  for (auto loop = orbit.loops.rbegin(); loop != orbit.loops.rend(); loop++) {
    if (loop->extent == 1) continue;
    if (loop->strands != run) return 0;
    for (const Index stride : loop->rows)
      if (stride != run) return 0;
    run *= loop->extent;
  }
  return run;
}

}  // namespace

bool applies(const OrbitTerm& term, const std::uint8_t* word) {
  for (const std::uint32_t group : term.groups) {
    const int first = std::countr_zero(group);
    for (std::uint32_t left = group; left; left &= left - 1)
      if (word[std::countr_zero(left)] != word[first]) return false;
  }
  return true;
}

bool make_term(const Orbit& orbit, const Strided& strided, OrbitTerm& term) {
  if (strided.set || strided.out != orbit.strands || strided.out_base != orbit.base) return false;
  term = {strided.in, strided.in_base, {}, {}, strided.scale};
  Index channels = 1;
  std::uint32_t seen = 0;
  for (auto loop = strided.loops.rbegin(); loop != strided.loops.rend(); loop++) {
    if (loop->strands == 0) {
      if (loop->extent == 1) continue;
      if (loop->alternate || loop->out != channels || loop->in != channels) return false;
      channels *= loop->extent;
      continue;
    }
    Index out = 0;
    for (std::uint32_t left = loop->strands; left; left &= left - 1)
      out += orbit.strides[std::size_t(std::countr_zero(left))];
    if (loop->alternate || loop->out != out || loop->extent != orbit.n || (seen & loop->strands)) return false;
    seen |= loop->strands;
    term.strides[std::countr_zero(loop->strands)] = loop->in;
    if (std::popcount(loop->strands) > 1) term.groups.push_back(loop->strands);
  }
  return channels == contiguous(orbit) && seen == (1u << orbit.d) - 1;
}

}  // namespace brauer
