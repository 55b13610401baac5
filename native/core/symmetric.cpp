#include <algorithm>

#include "core/program.h"

namespace brauer {

int parts(int code) {
  int count = 1;
  for (int bits = code; bits > 0; bits >>= 1) count += bits & 1;
  return count;
}

Index rearrangements(int code, int d) {
  Index result = 1;
  int run = 0;
  for (int p = 0; p < d; p++) {
    run = p > 0 && ((code >> (p - 1)) & 1) == 0 ? run + 1 : 1;
    result = result * (p + 1) / run;
  }
  return result;
}

Index saturating_multiply(Index a, Index b) {
  if (a == 0 || b == 0) return 0;
  return a > kMaxIndex / b ? kMaxIndex : a * b;
}

Index saturating_add(Index a, Index b) { return std::min(kMaxIndex, a + b); }

Index choose(Index n, int k) {
  if (k < 0 || k > n) return 0;
  const Index terms = std::min<Index>(k, n - k);
  Index result = 1;
  for (Index i = 1; i <= terms; i++) {
    const Index factor = n - terms + i;
    if (result > kMaxIndex * 512 / factor) return kMaxIndex;
    result = result * factor / i;
  }
  return std::min(result, kMaxIndex);
}

Index orbit_rows(Index n, const std::vector<Index>& kostka) {
  Index total = 0;
  for (std::size_t code = 0; code < kostka.size(); code++)
    total = saturating_add(total, saturating_multiply(kostka[code], choose(n, parts(int(code)))));
  return total;
}

}  // namespace brauer
