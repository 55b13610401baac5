#include "core/box.h"

#include <algorithm>
#include <mutex>

namespace brauer {

Box whole_box(Index n, int d) {
  Box box{};
  box.d = d;
  for (int p = 0; p < d; p++) box.high[p] = n, box.same[p] = p > 0;
  return box;
}

Box Blocks::box(Index number) const {
  Box result{};
  result.d = d;
  Index block = 0;
  for (int p = 0; p < d; p++) {
    const Index before = block;
    // Tuples that have `block` here: ascending choices of the d − 1 − p positions after it.
    for (;; block++) {
      const Index after = choose(blocks() - block + d - 2 - p, d - 1 - p);
      if (number < after) break;
      number -= after;
    }
    result.low[p] = block * length;
    result.high[p] = std::min(n, result.low[p] + length);
    result.same[p] = p > 0 && block == before;
  }
  return result;
}

Index box_rows(const Box& box, const std::vector<Index>& kostka) {
  Index total = 0;
  for (int code = 0; code < int(kostka.size()); code++) {
    if (kostka[std::size_t(code)] == 0) continue;
    // Multi-indices of this composition: a product over the groups of equal ranges; between groups values always rise.
    Index multi = 1;
    for (int p = 0; p < box.d && multi > 0;) {
      int rises = 1, q = p + 1;
      for (; q < box.d && box.same[q]; q++) rises += (code >> (q - 1)) & 1;
      multi = saturating_multiply(multi, choose(box.high[p] - box.low[p], rises));
      if (q < box.d && !((code >> (q - 1)) & 1)) multi = 0;
      p = q;
    }
    total = saturating_add(total, saturating_multiply(multi, kostka[std::size_t(code)]));
  }
  return total;
}

const Words& words(int d, int code) {
  static std::once_flag made[kMaxStrands + 1];
  static auto* table = new std::vector<Words>[kMaxStrands + 1];
  std::vector<Words>& all = table[d];
  std::call_once(made[d], [&] {
    for (int each = 0; each < codes(d); each++) {
      std::vector<std::uint8_t> word(std::size_t(d), 0);
      for (int p = 1; p < d; p++)
        word[std::size_t(p)] = std::uint8_t(word[std::size_t(p) - 1] + ((each >> (p - 1)) & 1));
      Words found{0, {}};
      do {
        found.label.insert(found.label.end(), word.begin(), word.end());
        found.count++;
      } while (std::next_permutation(word.begin(), word.end()));
      all.push_back(std::move(found));
    }
  });
  return all[std::size_t(code)];
}

}  // namespace brauer
