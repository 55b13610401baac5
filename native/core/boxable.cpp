#include <algorithm>
#include <bit>
#include <cstdlib>

#include "core/box.h"

namespace brauer {
namespace {

struct Free {
  Index extent, stride;
};

// How an instruction of a section reaches the elements of a buffer: the value of some strands moves it by a stride.
struct Access {
  std::size_t buffer;
  bool write;
  struct Strands {
    int count;
    Index stride;
  };
  std::vector<Strands> strands;
  std::vector<Free> free;
  std::vector<Index> bases;
};

void collect(const std::vector<Loop>& loops, std::size_t out, std::size_t in, std::vector<Index> outs,
             std::vector<Index> ins, std::vector<Access>& accesses) {
  Access write{out, true, {}, {}, std::move(outs)}, read{in, false, {}, {}, std::move(ins)};
  for (const Loop& loop : loops) {
    const int count = std::popcount(loop.strands);
    if (count > 0)
      write.strands.push_back({count, loop.out}), read.strands.push_back({count, loop.in});
    else
      write.free.push_back({loop.extent, loop.out}), read.free.push_back({loop.extent, loop.in});
  }
  accesses.push_back(std::move(write));
  accesses.push_back(std::move(read));
}

// False where an instruction cannot be limited to a box.
bool collect(const Program& program, const Instruction& instruction, std::vector<Access>& accesses) {
  if (const auto* strided = std::get_if<Strided>(&instruction)) {
    collect(strided->loops, strided->out, strided->in, {strided->out_base}, {strided->in_base}, accesses);
    return true;
  }
  if (const auto* gather = std::get_if<Gather>(&instruction)) {
    std::vector<Index> outs, ins;
    for (std::size_t i = gather->first; i < gather->first + gather->count; i++) {
      outs.push_back(gather->out_base + program.table[i].out);
      ins.push_back(gather->in_base + program.table[i].in);
    }
    collect(gather->loops, gather->out, gather->in, std::move(outs), std::move(ins), accesses);
    return true;
  }
  if (const auto* orbit = std::get_if<Orbit>(&instruction)) {
    Access access{orbit->strands, orbit->inverse, {}, {}, {orbit->base}};
    for (int s = 0; s < orbit->d; s++) access.strands.push_back({1, orbit->strides[std::size_t(s)]});
    for (const OrbitLoop& loop : orbit->loops) access.free.push_back({loop.extent, loop.strands});
    accesses.push_back(std::move(access));
    return std::all_of(orbit->lambdas.begin(), orbit->lambdas.end(),
                       [&](const OrbitRows& rows) { return program.buffers[rows.buffer].local(); });
  }
  if (const auto* mix = std::get_if<Mix>(&instruction)) {
    // Weights have no strands: a section that also writes them cannot be cut.
    if (mix->form != MixForm::weight)
      accesses.push_back({mix->b, false, {}, {}, {mix->b_base}});
    else if (!program.buffers[mix->b].shared_output())
      return false;
    return program.buffers[mix->a].local();
  }
  return false;
}

// Offsets written as digits: digit p, worth `digits[p]`, counts the values 0 … n−1 of one strand; everything else lies
// in the gaps between those digits.
class Layout {
 public:
  // False where the strides are no such digits.
  bool init(const Access& access, Index n) {
    n_ = n;
    for (const auto& strands : access.strands) {
      if (strands.count != 1 || strands.stride <= 0) return false;
      digits_.push_back(strands.stride);
    }
    std::sort(digits_.begin(), digits_.end());
    for (std::size_t p = 1; p < digits_.size(); p++)
      if (digits_[p] % unit(p - 1) != 0 || digits_[p] < unit(p - 1)) return false;
    return !digits_.empty();
  }

  // Whether the strands' values of an access are exactly the digits of each of its offsets.
  bool fits(const Access& access) const {
    unsigned used = 0;
    for (const auto& strands : access.strands) {
      const unsigned digits = find(strands.count, strands.stride, used);
      if (digits == 0) return false;
      used |= digits;
    }
    if (used != (1u << digits_.size()) - 1) return false;
    std::vector<double> reach(digits_.size() + 1, 0);
    for (const Free& loop : access.free) {
      if (loop.stride < 0) return false;
      if (loop.stride == 0 || loop.extent == 1) continue;
      std::size_t gap = digits_.size();
      while (gap > 0 && loop.stride < digits_[gap - 1]) gap--;
      if (gap > 0 && loop.stride % unit(gap - 1) != 0) return false;
      reach[gap] += double(loop.extent - 1) * double(loop.stride);
    }
    return std::all_of(access.bases.begin(), access.bases.end(), [&](Index base) { return base_fits(base, reach); });
  }

 private:
  Index unit(std::size_t p) const { return saturating_multiply(digits_[p], n_); }

  unsigned find(int count, Index stride, unsigned used) const {
    for (unsigned set = 1; set < 1u << digits_.size(); set++) {
      if ((set & used) || std::popcount(set) != count) continue;
      Index sum = 0;
      for (std::size_t p = 0; p < digits_.size(); p++)
        if (set >> p & 1) sum += digits_[p];
      if (sum == stride) return set;
    }
    return 0;
  }

  bool base_fits(Index base, std::vector<double> reach) const {
    if (base < 0) return false;
    for (std::size_t p = digits_.size(); p > 0; p--) {
      reach[p] += double(base - base % unit(p - 1));
      base %= unit(p - 1);
      if (base >= digits_[p - 1]) return false;
    }
    reach[0] += double(base);
    for (std::size_t p = 0; p < digits_.size(); p++)
      if (reach[p] >= double(digits_[p])) return false;
    return true;
  }

  Index n_ = 1;
  std::vector<Index> digits_;
};

bool overlap(const Buffer& a, const Buffer& b) { return a.offset < b.offset + b.size && b.offset < a.offset + a.size; }

// Boxes keep all buffers of a section alive to its end, so none may lie in the memory of another.
bool share_memory(const Program& program, const std::vector<Access>& accesses) {
  std::vector<std::size_t> used;
  for (const Access& access : accesses)
    if (program.buffers[access.buffer].role == Role::scratch) used.push_back(access.buffer);
  const auto offset = [&](std::size_t i) { return program.buffers[i].offset; };
  std::sort(used.begin(), used.end(),
            [&](std::size_t a, std::size_t b) { return offset(a) != offset(b) ? offset(a) < offset(b) : a < b; });
  used.erase(std::unique(used.begin(), used.end()), used.end());
  for (std::size_t i = 1; i < used.size(); i++)
    if (overlap(program.buffers[used[i - 1]], program.buffers[used[i]])) return true;
  return false;
}

}  // namespace

bool is_boxable(const Program& program, const Section& section) {
  std::vector<Access> accesses;
  for (std::size_t i = section.first; i < section.first + section.count; i++)
    if (!collect(program, program.instructions[i], accesses)) return false;
  if (share_memory(program, accesses)) return false;
  std::stable_sort(accesses.begin(), accesses.end(),
                   [](const Access& a, const Access& b) { return a.buffer < b.buffer; });
  for (auto first = accesses.begin(); first != accesses.end();) {
    const auto last =
        std::find_if(first, accesses.end(), [&](const Access& access) { return access.buffer != first->buffer; });
    if (std::any_of(first, last, [](const Access& access) { return access.write; })) {
      Layout layout;
      const auto plain = std::find_if(first, last, [&](const Access& access) {
        return !access.strands.empty() &&
               std::all_of(access.strands.begin(), access.strands.end(), [](const auto& s) { return s.count == 1; });
      });
      if (plain == last || !layout.init(*plain, section.n)) return false;
      if (!std::all_of(first, last, [&](const Access& access) { return layout.fits(access); })) return false;
    }
    first = last;
  }
  return true;
}

}  // namespace brauer
