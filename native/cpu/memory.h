#pragma once

#include <new>
#include <vector>

#include "core/backend.h"
#include "cpu/arena.h"
#include "cpu/code.h"

namespace brauer {

// What a thread keeps between runs.
template <class T>
struct Workspace {
  Arena scratch, local, converted, weights, own_weights, partials;
  std::vector<T*> base, box_base, transposed;
  std::vector<Index> lengths;
  std::vector<const T*> in;
  std::vector<T*> out;
  std::vector<Index> steps, rows;
  RunsCache runs;
  std::vector<Ahead::Span> spans;

  static Workspace& of_thread() {
    static thread_local Workspace workspace;
    return workspace;
  }
};

// Room for some elements; null for none. Throws std::bad_alloc.
template <class T>
T* reserve(Arena& arena, double elements) {
  if (elements == 0) return nullptr;
  void* memory = arena.reserve(elements * double(sizeof(T)));
  if (!memory) throw std::bad_alloc();
  return static_cast<T*>(memory);
}

// Where the buffers of a program lie: in the operands of a run, in scratch, or, for operands of 16 bits, in converted
// copies.
template <class T>
class Memory {
 public:
  using Base = std::vector<T*>;  // by buffer

  // The code must outlive this.
  Memory(const Compiled& code, const KernelTable& table, Dtype dtype);

  // Operands in the order of a run.
  const std::vector<Operand>& operands() const { return operands_; }
  const Index* steps() const { return steps_.data(); }
  bool is_fixed(std::size_t buffer) const { return steps_[buffer] == 0; }
  const T* constants() const { return constants_.data(); }
  // Elements of converted copies per item, and of one set of shared outputs.
  double converted_size() const { return converted_size_; }
  double partial_size() const { return partial_size_; }

  // Where a constant or a shared operand lies; a shared output also in a set of parts, where one is given.
  T* fixed_base(std::size_t buffer, void* const* operands, T* partial) const;
  // Points every buffer at the items from `first` on, in arenas laid out for `capacity` items. Local buffers of
  // sections with a block length (`lengths`) are left to `bind_box`.
  void bind(Workspace<T>& space, void* const* operands, Index first, Index capacity, const std::vector<Index>& lengths,
            T* partial) const;
  // Local buffers of a section, one after the other, for boxes of a block length.
  void bind_box(Base& base, T* local, const SectionCode& section, Index length) const;

  // Part `part` of `parts` of the item operands, from and to 16-bit storage, or all of them, from and to items side by
  // side; nothing to do for other programs.
  void convert_in(const Base& base, void* const* operands, Index first, Index items, Index part, Index parts) const;
  void convert_out(const Base& base, void* const* operands, Index first, Index items, Index part, Index parts) const;

  // What the products of a tile fetch meanwhile: the operands of `items` items from `first` on (outputs too: a line
  // that is written is read before).
  Ahead fetch(Workspace<T>& space, void* const* operands, Index first, Index items) const;

 private:
  void lanes_in(const Base& base, void* const* operands, Index first, Index items) const;
  void lanes_out(const Base& base, void* const* operands, Index first, Index items) const;
  template <class F>
  void each_converted(Role role, Index items, Index part, Index parts, const F& f) const;

  const Compiled& code_;
  const KernelTable& table_;
  const Kernels<T>& kernels_;
  Dtype dtype_;
  bool is_staged_;  // operands are copied, and converted, on their way to and from a tile
  std::vector<T> constants_;
  std::vector<Operand> operands_;
  std::vector<Index> steps_;
  std::vector<std::size_t> operand_of_;            // by buffer
  std::vector<double> converted_at_, partial_at_;  // by buffer
  double converted_size_ = 0, partial_size_ = 0;
};

}  // namespace brauer
