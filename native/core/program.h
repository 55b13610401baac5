#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "core/status.h"

// The native form of lib/program/program.ts, which says what every field means. Sizes, bases and strides are in
// elements.
namespace brauer {

using Index = std::int64_t;

inline constexpr Index kMaxIndex = Index(1) << 53;
inline constexpr std::size_t kMaxLoops = 32;
inline constexpr int kMaxStrands = 8;

enum class Role { input, output, constant, scratch };

struct Buffer {
  Role role;
  bool shared;
  Index size, offset;
  Index section;  // -1: not local
  Index lambda, width;

  bool local() const { return section >= 0; }
  bool shared_output() const { return role == Role::output && shared; }
};

struct Section {
  std::size_t first, count;
  Index n;
  int d;
};

struct Entry {
  Index out, in, sign;
};

struct Loop {
  Index extent, out, in;
  bool alternate;
  std::uint32_t strands;
};

struct Zero {
  std::size_t out;
  Index base, rows, stride, count;
};

struct Strided {
  std::size_t out, in;
  Index out_base, in_base;
  double scale;
  bool set;
  std::vector<Loop> loops;
};

struct Gather {
  std::size_t out, in;
  Index out_base, in_base;
  double scale;
  std::size_t first, count;
  std::vector<Loop> loops;
};

enum class MixForm { forward, input, weight };

struct Mix {
  MixForm form;
  std::size_t a, b, c;
  Index a_base, b_base, c_base, a_stride, b_stride, c_stride, rows, inner, cols;
  bool set;
  Index lanes = 1;  // items side by side in a and c; never in a program that is read, see cpu/lanes.h
};

struct OrbitRows {
  std::size_t buffer;
  Index base, row_stride, unit_stride, dimension;
  std::vector<Index> kostka;  // by composition code
};

struct OrbitLoop {
  Index extent, strands;
  std::vector<Index> rows;  // a stride for each lambda
};

struct Orbit {
  bool inverse;
  std::size_t strands;
  Index base, n;
  bool set;
  std::size_t matrices;
  int d;
  std::array<Index, kMaxStrands> strides;
  std::vector<OrbitRows> lambdas;
  std::vector<OrbitLoop> loops;
};

using Instruction = std::variant<Zero, Strided, Gather, Mix, Orbit>;

struct Program {
  std::vector<Buffer> buffers;
  std::vector<Section> sections;
  std::vector<double> constants;
  std::vector<Entry> table;
  std::vector<Instruction> instructions;
  Index scratch_size, local_size;
};

// Reads the words of FORMAT.md into structs. Memory stays proportional to `count`. Bounds are checked by `verify` only.
Status decode(const double* words, std::size_t count, Program& program);

// Refuses every program that could touch memory outside its buffers, and whatever else FORMAT.md lists.
Status verify(const Program& program);

// Facts of the symmetric group that both the verifier and the executor need; codes as in program.ts.
inline int codes(int d) { return 1 << (d - 1); }
int parts(int code);
Index rearrangements(int code, int d);
// Saturates at kMaxIndex, so that absurd sizes are refused and not wrapped.
Index choose(Index n, int k);
Index saturating_multiply(Index a, Index b);  // of numbers >= 0
Index saturating_add(Index a, Index b);
// Rows of one lambda over all ascending multi-indices of d values below n.
Index orbit_rows(Index n, const std::vector<Index>& kostka);

// Whether no two settings of the loops give one output element. False also where that is not easily seen.
bool is_injective(const std::vector<Loop>& loops);
// The same for the loops begun at each of the offsets.
bool is_injective(const std::vector<Loop>& loops, const std::vector<Index>& offsets);

}  // namespace brauer
