#include "core/program.h"

#include <cmath>
#include <string>

namespace brauer {
namespace {

constexpr double kMagic = 1112686933, kVersion = 1;
constexpr std::size_t kHeader = 10, kBufferWords = 7, kSectionWords = 4, kEntryWords = 3, kLoopWords = 5;

// A cursor over the words. After the first failure every read gives 0 and `status` keeps the reason.
class Reader {
 public:
  Reader(const double* words, std::size_t count) : words_(words), end_(count) {}

  std::size_t position() const { return at_; }
  std::size_t left() const { return end_ - at_; }
  bool ok() const { return status_.ok(); }
  Status take_status() { return std::move(status_); }

  void fail(const std::string& expected) {
    if (ok())
      status_ = Status::error(Code::invalid_program, "program: word " + std::to_string(at_) + ": expected " + expected);
  }

  void expect(bool condition, const char* expected) {
    if (!condition) fail(expected);
  }

  double number(const char* what) {
    if (!ok()) return 0;
    if (at_ == end_) return fail(std::string(what) + ", received the end of the program"), 0;
    return words_[at_++];
  }

  Index integer(const char* what, Index least, Index most = kMaxIndex) {
    const double word = number(what);
    if (!ok()) return 0;
    // The comparisons are false for NaN.
    if (word >= double(least) && word <= double(most) && std::trunc(word) == word) return Index(word);
    at_--;
    std::string received = std::to_string(word);
    fail(std::string(what) + " to be an integer from " + std::to_string(least) + " to " + std::to_string(most) +
         ", received " + received);
    return 0;
  }

  Index index(const char* what) { return integer(what, -kMaxIndex); }
  std::size_t size(const char* what) { return std::size_t(integer(what, 0)); }
  bool flag(const char* what) { return integer(what, 0, 1) != 0; }

  // A count of things that take `words` words each: refused where the rest of the program cannot hold them.
  std::size_t counted(const char* what, std::size_t words) {
    const std::size_t count = size(what);
    if (ok() && count > left() / words)
      fail(std::string(what) + " that fits the program's length, received " + std::to_string(count));
    return ok() ? count : 0;
  }

  void limit(std::size_t end) { end_ = end; }

 private:
  const double* words_;
  std::size_t at_ = 0, end_;
  Status status_;
};

Buffer read_buffer(Reader& in) {
  Buffer buffer{};
  buffer.role = Role(in.integer("a buffer's role", 0, 3));
  buffer.shared = in.flag("a buffer's scope");
  buffer.size = in.integer("a buffer's size", 0);
  buffer.offset = in.integer("a buffer's offset", 0);
  buffer.section = in.integer("a buffer's section", -1);
  buffer.lambda = in.integer("a buffer's lambda", 0);
  buffer.width = in.integer("a buffer's width", 0);
  return buffer;
}

Section read_section(Reader& in) {
  Section section{};
  section.first = in.size("a section's first instruction");
  section.count = in.size("a section's instruction count");
  section.n = in.integer("a section's n", 1);
  section.d = int(in.integer("a section's d", 1, kMaxStrands));
  return section;
}

std::vector<Loop> read_loops(Reader& in) {
  const std::size_t count = in.counted("a loop count", kLoopWords);
  in.expect(count <= kMaxLoops, "at most 32 loops");
  std::vector<Loop> loops;
  if (!in.ok()) return loops;
  loops.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); i++) {
    Loop loop{};
    loop.extent = in.integer("a loop's extent", 1);
    loop.out = in.index("a loop's out stride");
    loop.in = in.index("a loop's in stride");
    loop.alternate = in.flag("a loop's alternate");
    loop.strands = std::uint32_t(in.integer("a loop's strands", 0, (1 << kMaxStrands) - 1));
    loops.push_back(loop);
  }
  return loops;
}

double read_scale(Reader& in) {
  const double scale = in.number("a scale");
  in.expect(std::isfinite(scale), "a finite scale");
  return scale;
}

Zero read_zero(Reader& in) {
  Zero zero{};
  zero.out = in.size("zero: out");
  zero.base = in.index("zero: base");
  zero.rows = in.integer("zero: rows", 1);
  zero.stride = in.index("zero: stride");
  zero.count = in.integer("zero: count", 1);
  return zero;
}

Strided read_strided(Reader& in) {
  Strided strided{};
  strided.out = in.size("strided: out");
  strided.in = in.size("strided: in");
  strided.out_base = in.index("strided: outBase");
  strided.in_base = in.index("strided: inBase");
  strided.scale = read_scale(in);
  strided.set = in.flag("strided: set");
  strided.loops = read_loops(in);
  return strided;
}

Gather read_gather(Reader& in) {
  Gather gather{};
  gather.out = in.size("gather: out");
  gather.in = in.size("gather: in");
  gather.out_base = in.index("gather: outBase");
  gather.in_base = in.index("gather: inBase");
  gather.scale = read_scale(in);
  gather.first = in.size("gather: first");
  gather.count = in.size("gather: count");
  gather.loops = read_loops(in);
  return gather;
}

Mix read_mix(Reader& in) {
  Mix mix{};
  mix.form = MixForm(in.integer("mix: form", 0, 2));
  for (std::size_t* buffer : {&mix.a, &mix.b, &mix.c}) *buffer = in.size("mix: buffer");
  for (Index* base : {&mix.a_base, &mix.b_base, &mix.c_base}) *base = in.index("mix: base");
  for (Index* stride : {&mix.a_stride, &mix.b_stride, &mix.c_stride}) *stride = in.index("mix: stride");
  for (Index* extent : {&mix.rows, &mix.inner, &mix.cols}) *extent = in.integer("mix: extent", 1);
  mix.set = in.flag("mix: set");
  return mix;
}

Orbit read_orbit(Reader& in) {
  Orbit orbit{};
  orbit.inverse = in.flag("orbit: form");
  orbit.strands = in.size("orbit: strands");
  orbit.base = in.index("orbit: base");
  orbit.n = in.integer("orbit: n", 1);
  orbit.set = in.flag("orbit: set");
  orbit.matrices = in.size("orbit: matrices");
  orbit.d = int(in.integer("orbit: d", 1, kMaxStrands));
  const std::size_t compositions = in.ok() ? std::size_t(codes(orbit.d)) : 1;
  const std::size_t lambdas = in.counted("orbit: lambda count", 5 + compositions);
  const std::size_t loops = in.counted("orbit: loop count", 2 + lambdas);
  in.expect(loops <= kMaxLoops, "at most 32 loops");
  for (int s = 0; s < orbit.d && in.ok(); s++) orbit.strides[std::size_t(s)] = in.index("orbit: stride");
  for (std::size_t i = 0; i < lambdas && in.ok(); i++) {
    OrbitRows rows{};
    rows.buffer = in.size("orbit: buffer of a lambda");
    rows.base = in.index("orbit: base of a lambda");
    rows.row_stride = in.index("orbit: row stride");
    rows.unit_stride = in.index("orbit: unit stride");
    rows.dimension = in.integer("orbit: dimension", 1);
    for (std::size_t c = 0; c < compositions && in.ok(); c++)
      rows.kostka.push_back(in.integer("orbit: kostka number", 0));
    orbit.lambdas.push_back(std::move(rows));
  }
  for (std::size_t i = 0; i < loops && in.ok(); i++) {
    OrbitLoop loop{};
    loop.extent = in.integer("orbit: a loop's extent", 1);
    loop.strands = in.index("orbit: a loop's strands stride");
    for (std::size_t k = 0; k < lambdas && in.ok(); k++) loop.rows.push_back(in.index("orbit: a loop's rows stride"));
    orbit.loops.push_back(std::move(loop));
  }
  return orbit;
}

void read_instruction(Reader& in, std::size_t end, Program& program) {
  const std::size_t start = in.position();
  const std::size_t length = in.size("an instruction's length");
  if (!in.ok()) return;
  if (length < 2 || length > end - start) return in.fail("an instruction's length to fit the program");
  in.limit(start + length);
  switch (in.integer("an opcode", 0, 4)) {
    case 0:
      program.instructions.emplace_back(read_zero(in));
      break;
    case 1:
      program.instructions.emplace_back(read_strided(in));
      break;
    case 2:
      program.instructions.emplace_back(read_gather(in));
      break;
    case 3:
      program.instructions.emplace_back(read_mix(in));
      break;
    default:
      program.instructions.emplace_back(read_orbit(in));
      break;
  }
  in.expect(in.left() == 0, "an instruction to end where its length says");
  in.limit(end);
}

}  // namespace

Status decode(const double* words, std::size_t count, Program& program) {
  Reader in(words, count);
  in.expect(in.number("the magic number") == kMagic, "the magic number of a program in word 0");
  in.expect(in.number("the version") == kVersion, "format version 1 in word 1");
  in.expect(in.number("the length") == double(count), "the program's length in word 2");
  const std::size_t buffers = in.counted("a buffer count", kBufferWords);
  const std::size_t constants = in.counted("a constant count", 1);
  const std::size_t entries = in.counted("a table length", kEntryWords);
  const std::size_t sections = in.counted("a section count", kSectionWords);
  const std::size_t instructions = in.counted("an instruction count", 2);
  program.scratch_size = in.integer("scratchSize", 0);
  program.local_size = in.integer("localSize", 0);
  if (!in.ok()) return in.take_status();
  // Each count fits by itself; together they must as well, before anything is reserved.
  const std::size_t needed =
      kHeader + buffers * kBufferWords + sections * kSectionWords + constants + entries * kEntryWords;
  in.expect(needed <= count && instructions * 2 <= count - needed, "the counts to fit the program's length");
  if (!in.ok()) return in.take_status();

  program.buffers.reserve(buffers);
  for (std::size_t i = 0; i < buffers && in.ok(); i++) program.buffers.push_back(read_buffer(in));
  program.sections.reserve(sections);
  for (std::size_t i = 0; i < sections && in.ok(); i++) program.sections.push_back(read_section(in));
  program.constants.reserve(constants);
  for (std::size_t i = 0; i < constants && in.ok(); i++) program.constants.push_back(in.number("a constant"));
  program.table.reserve(entries);
  for (std::size_t i = 0; i < entries && in.ok(); i++) {
    Entry entry{};
    entry.out = in.index("a table entry's out");
    entry.in = in.index("a table entry's in");
    entry.sign = in.index("a table entry's sign");
    program.table.push_back(entry);
  }
  program.instructions.reserve(instructions);
  for (std::size_t i = 0; i < instructions && in.ok(); i++) read_instruction(in, count, program);
  in.expect(in.left() == 0, "the program to end after its last instruction");
  return in.take_status();
}

}  // namespace brauer
