#pragma once

#include <cstring>
#include <map>
#include <vector>

#include "core/box.h"
#include "core/terms.h"
#include "cuda/compile.h"

// What compile.cpp and compile_orbit.cpp write into.
namespace brauer::cuda {

struct Tables {
  std::vector<OpCode> ops;
  std::vector<ZeroCode> zeros;
  std::vector<MoveCode> moves;
  std::vector<ProductCode> products;
  std::vector<WeightsCode> weights;
  std::vector<OrbitCode> orbits;
  std::vector<LoopCode> loops;
  std::vector<GroupCode> groups;
  std::vector<EntryCode> entries;
  std::vector<LambdaCode> lambdas;
  std::vector<CompositionCode> compositions;
  std::vector<RowCode> rows;
  std::vector<TermCode> terms;
  std::vector<ShapeCode> shapes;
  std::vector<SectionCode> sections;
  std::vector<std::int32_t> numbers;
  std::vector<std::uint8_t> words;
};

// The class of equal values that each place of an ascending index of that composition belongs to.
std::vector<std::uint8_t> classes(int code, int d);

class Compiler {
 public:
  Compiler(const Program& program, int element_bytes, std::int64_t box_elements, Compiled& compiled);
  Status run();

 private:
  void place();
  void add(const Zero& zero);
  void add(const Strided& strided);
  void add(const Gather& gather);
  void add(const Mix& mix);
  void add(const Orbit& orbit);
  std::int32_t lambda_of(std::size_t buffer) const;
  void add_move(MoveCode move, const std::vector<Loop>& loops, const std::vector<Entry>& entries);
  void add_op(Kind kind, std::size_t index, std::size_t out);
  void find_terms();
  void add_section(const Section& section, std::size_t first);
  void add_shape(const Orbit& orbit, const Box& box);
  bool can_box(const Section& section, std::size_t first) const;
  void add_compositions(const Orbit& orbit);
  std::uint32_t add_indices(const Orbit& orbit);
  bool is_serial(const Orbit& orbit) const;
  std::int64_t work_of(const OpCode& op) const;
  void finish();

  At at(std::size_t buffer, Index base);
  std::int32_t narrow(Index value);
  std::uint32_t count(Index value);
  // Elements that may be moved at once along rows of `length` whose starts differ by multiples of `strides`.
  std::uint32_t vector_of(Index length, const std::vector<At>& ends, const std::vector<Index>& strides) const;

  const Program& program_;
  const std::uint32_t vector_;  // elements of 16 bytes
  const std::int64_t box_elements_;
  Compiled& compiled_;
  Tables tables_;
  bool fits_ = true;
  std::size_t current_ = 0;                              // the instruction that is being added
  std::vector<bool> taken_;                              // by instruction: it is a term of an orbit
  std::map<std::size_t, std::vector<OrbitTerm>> terms_;  // by instruction
  std::vector<bool> read_, written_;                     // by buffer, since the last barrier
  // Records of multi-indices, by n, d and the Kostka numbers.
  std::map<std::vector<Index>, std::uint32_t> indices_;
};

}  // namespace brauer::cuda
