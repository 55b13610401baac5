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
  std::vector<ListCode> lists;
  std::vector<ShapeCode> shapes;
  std::vector<SectionCode> sections;
  std::vector<std::int32_t> numbers;
  std::vector<std::uint8_t> words;
  std::vector<double> constants;  // the program's, and what is derived from them
};

// Numbers of records that are worth their place; those of larger orbits are worked out by each worker.
inline constexpr Index kMostListed = 1 << 16;

// The place in the ascending index that each strand takes, for every rearrangement of a composition.
std::vector<std::vector<std::uint8_t>> rearranged(int code, int d);

// Elements of an item that an instruction touches: `low` and all that the walks lead to from there, `high` the last.
struct Access {
  std::size_t buffer;
  bool write;
  Index low, high;
  std::vector<std::pair<Index, Index>> walks;  // extents above 1, and strides above 0
};

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
  std::vector<Access> accesses_of(std::size_t instruction) const;
  bool meet(const Access& a, const Access& b) const;
  void list_places(MoveCode& code, const std::vector<Loop>& parallel);
  void add_op(Kind kind, std::size_t index, std::size_t out);
  void find_terms();
  void add_section(const Section& section, std::size_t first);
  void add_shape(const std::vector<std::size_t>& orbits, const Orbit& widest, const Box& box,
                 const std::vector<std::int64_t>& offsets, bool own_lists);
  bool can_box(const Section& section, std::size_t first) const;
  bool can_list(const Orbit& orbit, const std::vector<OrbitTerm>& terms) const;
  Index listed_numbers(const Orbit& orbit, const std::vector<OrbitTerm>& terms) const;
  std::pair<std::uint32_t, std::uint32_t> add_listed_terms(std::size_t instruction, int code, Index columns);
  // offsets: of local buffers in a box. from_zero: values count from 0 and not from the ranges of the box.
  std::uint32_t add_lists(std::size_t instruction, const Box& box, const std::vector<std::int64_t>& offsets,
                          bool from_zero);
  void add_corners(std::size_t instruction, const Box& box);
  std::uint32_t add_matrix(const Orbit& orbit, Index matrix, Index columns);
  std::int32_t between(std::size_t from, std::size_t to, const std::vector<std::int64_t>& offsets);
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
  std::vector<Access> since_;                            // the last barrier
  std::vector<int> uses_;                                // by buffer, of its contents and to write it
  bool sets_rows(const OpCode& op) const;
  // Records of multi-indices, by n, d and the Kostka numbers.
  std::map<std::vector<Index>, std::uint32_t> indices_;
  std::map<std::pair<Index, bool>, std::uint32_t> matrices_;  // in chunks, by place and direction
  // By instruction and composition: the starts and scales of a list, see ListCode.
  std::map<std::pair<std::size_t, int>, std::pair<std::uint32_t, std::uint32_t>> listed_terms_;
};

}  // namespace brauer::cuda
