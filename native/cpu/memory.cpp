#include "cpu/memory.h"

#include <algorithm>

#include "cpu/convert.h"

namespace brauer {

template <class T>
Memory<T>::Memory(const Compiled& code, const KernelTable& table, Dtype dtype)
    : code_(code),
      table_(table),
      kernels_(kernels_of<T>(table)),
      dtype_(dtype),
      is_staged_(is_half(dtype) || code.lanes > 1),
      constants_(code.program.constants.begin(), code.program.constants.end()) {
  const auto& buffers = code.program.buffers;
  operand_of_.assign(buffers.size(), 0);
  converted_at_.assign(buffers.size(), 0);
  partial_at_.assign(buffers.size(), 0);
  for (const Role role : {Role::input, Role::output}) {
    for (std::size_t i = 0; i < buffers.size(); i++) {
      if (buffers[i].role != role) continue;
      operand_of_[i] = operands_.size();
      const bool shared = buffers[i].shared;
      operands_.push_back({role == Role::output, shared, shared ? buffers[i].size : buffers[i].size / code.lanes,
                           shared ? compute_bytes(dtype) : storage_bytes(dtype)});
      if (!shared && is_staged_) converted_at_[i] = converted_size_, converted_size_ += double(buffers[i].size);
      if (buffers[i].shared_output()) partial_at_[i] = partial_size_, partial_size_ += double(buffers[i].size);
    }
  }
  for (const Buffer& buffer : buffers)
    steps_.push_back(buffer.shared || buffer.role == Role::constant ? 0 : buffer.size);
}

template <class T>
T* Memory<T>::fixed_base(std::size_t i, void* const* operands, T* partial) const {
  const Buffer& buffer = code_.program.buffers[i];
  // Verified programs write no constant and no input.
  if (buffer.role == Role::constant) return const_cast<T*>(constants_.data()) + buffer.offset;
  if (buffer.shared_output() && partial) return partial + Index(partial_at_[i]);
  return static_cast<T*>(operands[operand_of_[i]]);
}

template <class T>
void Memory<T>::bind(Workspace<T>& space, void* const* operands, Index first, Index capacity,
                     const std::vector<Index>& lengths, T* partial) const {
  const auto& buffers = code_.program.buffers;
  const double count = double(capacity);
  T* const scratch = reserve<T>(space.scratch, count * double(code_.program.scratch_size));
  T* const converted = reserve<T>(space.converted, count * converted_size_);
  double locals = 0;
  for (std::size_t s = 0; s < lengths.size(); s++) {
    if (code_.sections[s].locals.empty()) continue;
    const double whole = count * double(code_.program.local_size);
    locals = std::max(locals, lengths[s] > 0 ? code_.sections[s].local_elements(lengths[s]) : whole);
  }
  T* const local = reserve<T>(space.local, locals);
  space.base.resize(buffers.size());
  for (std::size_t i = 0; i < buffers.size(); i++) {
    const Buffer& buffer = buffers[i];
    T*& base = space.base[i];
    if (buffer.shared || buffer.role == Role::constant)
      base = fixed_base(i, operands, partial);
    else if (buffer.size == 0 || (buffer.local() && lengths[std::size_t(buffer.section)] > 0))
      base = nullptr;
    else if (buffer.role == Role::scratch)
      base = (buffer.local() ? local : scratch) + capacity * buffer.offset;
    else if (is_staged_)
      base = converted + capacity * Index(converted_at_[i]);
    else
      base = static_cast<T*>(operands[operand_of_[i]]) + first * buffer.size;
  }
}

template <class T>
void Memory<T>::bind_box(Base& base, T* local, const SectionCode& section, Index length) const {
  for (const LocalBuffer& each : section.locals) {
    base[each.buffer] = local;
    local += section.local_rows(each, length) * each.width;
  }
}

// Calls f(buffer, its elements before `first` per item, first element, elements) for a part of each item operand.
template <class T>
template <class F>
void Memory<T>::each_converted(Role role, Index items, Index part, Index parts, const F& f) const {
  if (!is_half(dtype_)) return;
  const auto& buffers = code_.program.buffers;
  for (std::size_t i = 0; i < buffers.size(); i++) {
    if (buffers[i].role != role || buffers[i].shared || buffers[i].size == 0) continue;
    const Index all = items * buffers[i].size, share = all / parts;
    const Index low = share * part, high = part + 1 == parts ? all : low + share;
    f(i, low, high - low);
  }
}

template <class T>
void Memory<T>::convert_in(const Base& base, void* const* operands, Index first, Index items, Index part,
                           Index parts) const {
  if (code_.lanes > 1) return lanes_in(base, operands, first, items);
  each_converted(Role::input, items, part, parts, [&](std::size_t i, Index low, Index count) {
    const auto* from =
        static_cast<const std::uint16_t*>(operands[operand_of_[i]]) + first * code_.program.buffers[i].size;
    if constexpr (sizeof(T) == 4) widen(table_, dtype_, base[i] + low, from + low, count);
  });
}

template <class T>
void Memory<T>::convert_out(const Base& base, void* const* operands, Index first, Index items, Index part,
                            Index parts) const {
  if (code_.lanes > 1) return lanes_out(base, operands, first, items);
  each_converted(Role::output, items, part, parts, [&](std::size_t i, Index low, Index count) {
    auto* to = static_cast<std::uint16_t*>(operands[operand_of_[i]]) + first * code_.program.buffers[i].size;
    if constexpr (sizeof(T) == 4) narrow(table_, dtype_, to + low, base[i] + low, count);
  });
}

// Items side by side; lanes without an item are zero, so that nothing there is slow.
template <class T>
void Memory<T>::lanes_in(const Base& base, void* const* operands, Index first, Index items) const {
  const auto& buffers = code_.program.buffers;
  const Index lanes = code_.lanes;
  for (std::size_t i = 0; i < buffers.size(); i++) {
    if (buffers[i].role != Role::input || buffers[i].shared) continue;
    const Index size = buffers[i].size / lanes;
    if (items < lanes) std::fill_n(base[i], buffers[i].size, T(0));
    kernels_.transpose(base[i], lanes, static_cast<const T*>(operands[operand_of_[i]]) + first * size, size, items,
                       size);
  }
}

template <class T>
void Memory<T>::lanes_out(const Base& base, void* const* operands, Index first, Index items) const {
  const auto& buffers = code_.program.buffers;
  for (std::size_t i = 0; i < buffers.size(); i++) {
    if (buffers[i].role != Role::output || buffers[i].shared) continue;
    const Index size = buffers[i].size / code_.lanes;
    kernels_.transpose(static_cast<T*>(operands[operand_of_[i]]) + first * size, size, base[i], code_.lanes, size,
                       items);
  }
}

template <class T>
Ahead Memory<T>::fetch(Workspace<T>& space, void* const* operands, Index first, Index items) const {
  space.spans.clear();
  double bytes = 0;
  for (std::size_t i = 0; i < operands_.size(); i++) {
    const Operand& operand = operands_[i];
    if (operand.shared) continue;
    const Index size = operand.size * operand.element_bytes;
    const auto* start = static_cast<const char*>(operands[i]) + first * size;
    space.spans.push_back({start, start + items * size});
    bytes += double(size);
  }
  return ahead_of(space.spans, bytes / std::max(code_.pieces, 1e-3));
}

template class Memory<float>;
template class Memory<double>;

}  // namespace brauer
