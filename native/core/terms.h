#pragma once

#include <vector>

#include "core/program.h"

namespace brauer {

// A `strided` of a section that adds to what an inverse orbit writes, done by the orbit itself: an element is then
// written once, with all its terms.
struct OrbitTerm {
  std::size_t buffer;
  Index base;
  // Strand s moves the term by strides[s]; strands of one group (bit masks) must have one value, else it is not added.
  // Only the first strand of a group has a stride.
  Index strides[kMaxStrands];
  std::vector<std::uint32_t> groups;
  double scale;
};

// Whether the strands of a word (the place of each strand's value) that a term wants equal are.
bool applies(const OrbitTerm& term, const std::uint8_t* word);

// Calls take(orbit, strided, term) for every instruction of a section that can become a term of an orbit before it: no
// instruction between them touches either buffer. `take` answers whether it does.
template <class F>
void each_term(const Program& program, const Section& section, const F& take);

bool make_term(const Orbit& orbit, const Strided& strided, OrbitTerm& term);

// Calls f(buffer, is_written) for every buffer that an instruction touches.
template <class F>
void each_access(const Instruction& instruction, const F& f) {
  if (const auto* zero = std::get_if<Zero>(&instruction)) f(zero->out, true);
  if (const auto* strided = std::get_if<Strided>(&instruction)) f(strided->in, false), f(strided->out, true);
  if (const auto* gather = std::get_if<Gather>(&instruction)) f(gather->in, false), f(gather->out, true);
  if (const auto* mix = std::get_if<Mix>(&instruction)) {
    f(mix->a, mix->form == MixForm::input), f(mix->b, mix->form == MixForm::weight);
    f(mix->c, mix->form == MixForm::forward);
  }
  if (const auto* orbit = std::get_if<Orbit>(&instruction)) {
    f(orbit->strands, orbit->inverse);
    for (const OrbitRows& rows : orbit->lambdas) f(rows.buffer, !orbit->inverse);
  }
}

template <class F>
void each_term(const Program& program, const Section& section, const F& take) {
  const std::size_t end = section.first + section.count;
  std::vector<bool> taken(section.count, false);
  for (std::size_t i = section.first; i < end; i++) {
    const auto* orbit = std::get_if<Orbit>(&program.instructions[i]);
    if (!orbit || !orbit->inverse) continue;
    std::vector<std::size_t> written;
    const auto is_written = [&](std::size_t buffer) {
      for (const std::size_t each : written)
        if (each == buffer) return true;
      return false;
    };
    for (std::size_t j = i + 1; j < end; j++) {
      if (taken[j - section.first]) continue;
      const auto* strided = std::get_if<Strided>(&program.instructions[j]);
      OrbitTerm term;
      if (strided && !is_written(strided->in) && !is_written(strided->out) && make_term(*orbit, *strided, term) &&
          take(i, j, std::move(term)))
        taken[j - section.first] = true;
      else
        each_access(program.instructions[j], [&](std::size_t buffer, bool write) {
          if (write) written.push_back(buffer);
        });
    }
  }
}

}  // namespace brauer
