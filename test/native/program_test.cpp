// Decoding and verifying: a good program passes, and each rule of FORMAT.md refuses a program that breaks it alone.
#include "core/program.h"

#include <cmath>
#include <functional>
#include <limits>

#include "builder.h"
#include "check.h"
#include "generate.h"

using namespace brauer;

namespace {

enum : std::size_t { X, W, K, S, Y, G, U, V };

// x -> section (orbit, mix, orbit) -> y over n = 3, d = 2, two channels, and one instruction of every other kind.
Program good() {
  Program p{};
  p.buffers = {build::buffer(Role::input, false, 18),      build::buffer(Role::input, true, 4),
               build::buffer(Role::constant, false, 4, 5), build::buffer(Role::scratch, false, 12),
               build::buffer(Role::output, false, 18),     build::buffer(Role::output, true, 4),
               build::buffer(Role::scratch, false, 12),    build::buffer(Role::scratch, false, 12, 12)};
  for (std::size_t b : {U, V}) p.buffers[b].section = 0, p.buffers[b].lambda = 0, p.buffers[b].width = 2;
  p.scratch_size = 12, p.local_size = 24;
  const double h = std::sqrt(0.5);
  p.constants = {1, h, h, h, -h, 1, 2, 3, 4};
  p.table = {{0, 0, 1}, {2, 4, -1}};
  p.instructions = {
      Zero{S, 0, 6, 2, 2},
      Strided{S, X, 0, 0, 1, false, {{3, 2, 6, false, 0}, {3, 0, 2, false, 0}, {2, 1, 1, false, 0}}},
      Gather{S, X, 0, 0, 1, 0, 2, {{2, 1, 1, false, 0}}},
      Mix{MixForm::weight, S, G, X, 0, 0, 0, 2, 2, 2, 3, 2, 2, true},
      Orbit{false, X, 0, 3, true, 0, 2, {6, 2}, {{U, 0, 2, 1, 1, {1, 1}}, {S, 0, 2, 1, 1, {0, 1}}}, {{2, 1, {1, 1}}}},
      Mix{MixForm::forward, U, W, V, 0, 0, 0, 2, 2, 2, 6, 2, 2, true},
      Orbit{true, Y, 0, 3, true, 0, 2, {6, 2}, {{V, 0, 2, 1, 1, {1, 1}}, {S, 0, 2, 1, 1, {0, 1}}}, {{2, 1, {1, 1}}}},
      Strided{Y, K, 0, 0, 1, false, {{3, 6, 0, false, 1}, {3, 2, 0, false, 2}, {2, 1, 1, false, 0}}},
  };
  p.sections = {{4, 4, 3, 2}};
  return p;
}

template <class I>
I& at(Program& p, std::size_t i) {
  return std::get<I>(p.instructions[i]);
}

Status accept(const std::vector<double>& words) {
  Program program{};
  Status status = decode(words.data(), words.size(), program);
  return status.ok() ? verify(program) : status;
}

int rules = 0;

// Breaks the good program in one way; the message must name what was expected.
void refused(const char* expected, const std::function<void(Program&)>& change) {
  Program program = good();
  change(program);
  const Status status = accept(build::encode(program));
  rules++;
  CHECK_WITH(status.code == Code::invalid_program, std::string(expected));
  CHECK_WITH(status.message.find(expected) != std::string::npos, std::string(expected) + ", but: " + status.message);
}

void refused_words(const char* expected, const std::function<void(std::vector<double>&)>& change) {
  std::vector<double> words = build::encode(good());
  change(words);
  const Status status = accept(words);
  rules++;
  CHECK_WITH(status.code == Code::invalid_program, std::string(expected));
  CHECK_WITH(status.message.find(expected) != std::string::npos, std::string(expected) + ", but: " + status.message);
}

void encoding() {
  refused_words("magic", [](auto& w) { w[0]++; });
  refused_words("version", [](auto& w) { w[1] = 2; });
  refused_words("length", [](auto& w) { w[2]++; });
  refused_words("length", [](auto& w) { w.pop_back(); });
  refused_words("length", [](auto& w) { w.push_back(0); });
  refused_words("the end of the program", [](auto& w) { w.resize(3), w[2] = 3; });
  refused_words("end after its last instruction", [](auto& w) { w.push_back(0), w[2]++; });
  for (double bad :
       {0.5, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 0x1p53 + 2, -1.0})
    refused_words("integer", [&](auto& w) { w[8] = bad; });
  for (std::size_t count : {3, 4, 5, 6, 7}) refused_words("fit", [&](auto& w) { w[count] = 0x1p52; });
  // Each count alone would fit.
  refused_words("counts to fit", [](auto& w) { w[4] = double(w.size() - 10), w[5] = double(w.size() / 3 - 10); });
  refused("role", [](Program& p) { p.buffers[S].role = Role(4); });
  refused("finite scale", [](Program& p) { at<Strided>(p, 1).scale = HUGE_VAL; });
  refused("finite scale", [](Program& p) { at<Gather>(p, 2).scale = NAN; });
  refused("at most 32 loops", [](Program& p) { at<Strided>(p, 1).loops.resize(33, {1, 0, 0, false, 0}); });
  refused("at most 32 loops", [](Program& p) { at<Orbit>(p, 4).loops.resize(33, {1, 0, {0, 0}}); });
  refused("extent", [](Program& p) { at<Strided>(p, 1).loops[0].extent = 0; });
  // The last instruction is a strided of 24 words, its last loop the last five of them.
  refused_words("alternate", [](auto& w) { w[w.size() - 2] = 2; });
  refused_words("opcode", [](auto& w) { w[w.size() - 23] = 5; });
  refused_words("length", [](auto& w) { w[w.size() - 24] = 25; });
  // The first instruction, a zero of 7 words, follows header, buffers, section, constants and table.
  refused_words("to end where its length says", [](auto& w) { w[10 + 8 * 7 + 4 + 9 + 2 * 3] = 8; });
}

void buffers() {
  refused("inside `constants`", [](Program& p) { p.buffers[K].offset = 6; });
  refused("inside its arena", [](Program& p) { p.scratch_size = 11; });
  refused("inside its arena", [](Program& p) { p.local_size = 23; });
  refused("inside its arena", [](Program& p) { p.buffers[S].offset = kMaxIndex; });
  refused("scratch of item scope", [](Program& p) { p.buffers[S].shared = true; });
  refused("local buffer to be scratch", [](Program& p) { p.buffers[X].section = 0, p.buffers[X].width = 1; });
  refused("number of a section", [](Program& p) { p.buffers[U].section = 1; });
  refused("row width", [](Program& p) { p.buffers[U].width = 0; });
  refused("rows times width", [](Program& p) {
    p.buffers[U].size = p.buffers[V].size = p.buffers[V].offset = 14, p.local_size = 28;
    at<Mix>(p, 5).rows = 7;
  });
  for (std::size_t i : {0, 1, 2, 3, 4})
    refused("a buffer index below 8", [&](Program& p) {
      if (i == 0) at<Zero>(p, 0).out = 8;
      if (i == 1) at<Strided>(p, 1).in = 8;
      if (i == 2) at<Gather>(p, 2).out = 1 << 20;
      if (i == 3) at<Mix>(p, 3).b = 8;
      if (i == 4) at<Orbit>(p, 4).lambdas[1].buffer = 8;
    });
}

void roles() {
  refused("to be written", [](Program& p) { at<Zero>(p, 0).out = X; });
  refused("to be written", [](Program& p) { at<Strided>(p, 7).out = K, at<Strided>(p, 7).in = X; });
  refused("to be written", [](Program& p) { at<Mix>(p, 3).b = W; });
  refused("to be written", [](Program& p) { at<Orbit>(p, 6).strands = X; });
  refused("different buffers", [](Program& p) { at<Strided>(p, 1).in = S; });
  refused("different buffers", [](Program& p) { at<Gather>(p, 2).in = S; });
  refused("three different buffers", [](Program& p) { at<Mix>(p, 3).c = S; });
  refused("different buffers", [](Program& p) { at<Orbit>(p, 6).lambdas[1].buffer = Y; });
  refused("nothing to read a shared output", [](Program& p) { at<Strided>(p, 1).in = G; });
  refused("nothing to read a shared output", [](Program& p) { at<Mix>(p, 5).b = G; });
  refused("by an orbit", [](Program& p) {
    at<Orbit>(p, 6).strands = G;
    p.buffers[G].size = 18;
  });
  refused("by an orbit", [](Program& p) {
    at<Orbit>(p, 4).lambdas[1].buffer = G;
    p.buffers[G].size = 12;
  });
}

void offsets() {
  refused("offsets within", [](Program& p) { at<Zero>(p, 0).rows = 7; });
  refused("offsets within", [](Program& p) { at<Zero>(p, 0).base = -1; });
  refused("offsets within", [](Program& p) { at<Zero>(p, 0).stride = -2; });
  refused("offsets within", [](Program& p) { at<Strided>(p, 1).in_base = 1; });
  refused("offsets within", [](Program& p) { at<Strided>(p, 1).loops[0].out = -2; });
  refused("offsets within", [](Program& p) { at<Strided>(p, 1).loops[0].extent = kMaxIndex; });
  refused("offsets within", [](Program& p) {
    at<Strided>(p, 1).loops = std::vector<Loop>(32, {kMaxIndex, kMaxIndex, kMaxIndex, false, 0});
  });
  refused("offsets within", [](Program& p) {
    at<Strided>(p, 1).loops = std::vector<Loop>(32, {kMaxIndex, -kMaxIndex, -kMaxIndex, false, 0});
  });
  refused("offsets within", [](Program& p) { p.table[1].in = 17; });
  refused("offsets within", [](Program& p) { p.table[0].out = -1; });
  refused("offsets within", [](Program& p) { p.table[0].in = -kMaxIndex; });
  refused("within the table", [](Program& p) { at<Gather>(p, 2).first = 1; });
  refused("within the table", [](Program& p) { at<Gather>(p, 2).count = std::size_t(kMaxIndex); });
  for (int i = 0; i < 3; i++) {
    refused("offsets within", [&](Program& p) {
      auto& m = at<Mix>(p, 3);
      (i == 0 ? m.a_base : i == 1 ? m.b_base : m.c_base) = 14;
    });
  }
  refused("offsets within", [](Program& p) { at<Mix>(p, 3).rows = kMaxIndex; });
  refused("offsets within", [](Program& p) { at<Orbit>(p, 4).strides[0] = 7; });
  refused("offsets within", [](Program& p) { at<Orbit>(p, 4).base = 1; });
  refused("offsets within", [](Program& p) { at<Orbit>(p, 4).loops[0].extent = 3; });
  refused("offsets within", [](Program& p) { at<Orbit>(p, 4).lambdas[1].base = 7; });
  refused("offsets within", [](Program& p) { at<Orbit>(p, 4).lambdas[1].row_stride = 6; });
}

void orbits() {
  refused("orbit: d", [](Program& p) { at<Orbit>(p, 4).d = 9; });
  refused("orbit: n", [](Program& p) { at<Orbit>(p, 4).n = 0; });
  refused("a section's d", [](Program& p) { p.sections[0].d = 9; });
  refused("add up to 2 rearrangements", [](Program& p) { at<Orbit>(p, 4).lambdas[1].kostka[1] = 2; });
  refused("add up to 1 rearrangements", [](Program& p) { at<Orbit>(p, 4).lambdas[1].kostka[0] = 1; });
  refused("add up to 2 rearrangements", [](Program& p) { at<Orbit>(p, 4).lambdas[1].dimension = kMaxIndex; });
  refused("matrices inside", [](Program& p) { at<Orbit>(p, 4).matrices = 5; });
  refused("matrices inside", [](Program& p) { at<Orbit>(p, 4).matrices = std::size_t(kMaxIndex); });
}

void sections() {
  refused("in range", [](Program& p) { p.sections[0].count = 5; });
  refused("in range", [](Program& p) { p.sections[0].first = std::size_t(kMaxIndex); });
  refused("overlap", [](Program& p) { p.sections.push_back({7, 1, 3, 2}); });
  refused("the section's n and d", [](Program& p) { p.sections[0].n = 2; });
  refused("drive a loop", [](Program& p) { at<Strided>(p, 7).loops[0].strands = 0; });
  refused("drive two loops", [](Program& p) { at<Strided>(p, 7).loops[0].strands = 3; });
  refused("strands of the section", [](Program& p) { at<Strided>(p, 7).loops[0].strands = 4; });
  refused("loop of extent 3", [](Program& p) { at<Strided>(p, 7).loops[0].extent = 2; });
  refused("orbit and mix only", [](Program& p) { at<Strided>(p, 7).in = U; });
  refused("orbit and mix only", [](Program& p) { at<Zero>(p, 0).out = U; });
  refused("orbit and mix only", [](Program& p) { at<Orbit>(p, 6).strands = U; });
  refused("orbit and mix only", [](Program& p) { at<Mix>(p, 5).b = V, at<Mix>(p, 5).c = Y; });
  refused("local to this section", [](Program& p) { p.sections[0].count = 1; });
  refused("local to this section", [](Program& p) { at<Mix>(p, 5).a = S; });
  refused("columns within a local row", [](Program& p) { at<Mix>(p, 5).a_base = 1, at<Mix>(p, 5).rows = 5; });
  refused("row stride of a local buffer", [](Program& p) { at<Mix>(p, 5).c_stride = 1; });
  refused("all rows", [](Program& p) { at<Mix>(p, 5).rows = 5; });
  refused("of this section and lambda",
          [](Program& p) { std::swap(at<Orbit>(p, 4).lambdas[0].buffer, at<Orbit>(p, 4).lambdas[1].buffer); });
  refused("within the rows of its local buffer", [](Program& p) {
    auto& o = at<Orbit>(p, 4);
    o.lambdas[0].row_stride = 1;
  });
  refused("same kostka numbers", [](Program& p) {
    // Another split of the same rearrangements: rows of a box would no longer agree.
    for (OrbitRows& rows : at<Orbit>(p, 6).lambdas) rows.buffer = S;
    at<Orbit>(p, 6).lambdas[0].kostka = {1, 0};
    at<Orbit>(p, 6).lambdas[1].kostka = {0, 2};
    at<Orbit>(p, 6).lambdas[1].row_stride = 1;
  });
}

}  // namespace

int main() {
  CHECK_WITH(accept(build::encode(good())).ok(), accept(build::encode(good())).message);
  for (std::uint64_t seed = 1; seed <= 300; seed++) {
    const Status status = accept(build::encode(build::Generator(seed, seed % 2 == 0).make()));
    CHECK_WITH(status.ok(), "seed " + std::to_string(seed) + " " + status.message);
  }
  encoding();
  buffers();
  roles();
  offsets();
  orbits();
  sections();
  std::printf("%d broken programs\n", rules);
  return check::finish();
}
