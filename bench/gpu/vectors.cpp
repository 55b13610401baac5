// Right answers: conformance vectors in every dtype, and the gradients of the suite.
#include <algorithm>
#include <cmath>

#include "gpu/data.h"
#include "gpu/operands.h"

namespace brauer::gpu {
namespace {

// The least margin, error over bound, of all that was checked.
struct Tally {
  int passed = 0, failed = 0;
  double worst = 0;
};

void judge(Session& session, Tally& tally, const std::string& of, const char* contender, double error, double bound) {
  if (error <= bound) {
    tally.passed++;
    tally.worst = std::max(tally.worst, error / bound);
    return;
  }
  tally.failed++;
  session.fail(of, contender, "wrong by " + std::to_string(error / bound) + " times the bound");
}

void add_tally(Session& session, const std::string& name, const Tally& tally) {
  session.report.add(
      {{"kind", "check"}, {"name", name}, {"passed", tally.passed}, {"failed", tally.failed}, {"worst", tally.worst}});
}

// Runs from host memory to host memory. Null, with a row, where the device refuses.
std::unique_ptr<cuda::DeviceProgram> load_on(Session& session, const std::vector<double>& words, Dtype dtype,
                                             const Executor& executor, const std::string& of) {
  Status status;
  auto program = cuda::load(words.data(), words.size(), dtype, {session.options.device, executor.mode}, status);
  if (!program) session.fail(of, executor.name, status.message);
  return program;
}

}  // namespace

void check_vectors(Session& session) {
  const std::vector<Vector> vectors = read_vectors(session.options.data);
  for (const Executor& executor : kExecutors) {
    Tally tally;
    for (std::size_t v = 0; v < vectors.size(); v += std::size_t(session.options.every)) {
      const Vector& vector = vectors[v];
      const std::string of = vector.name + " " + vector.map + " dtype " + std::to_string(int(vector.dtype));
      const auto words = read_program(session.options.data, vector.name, vector.map);
      const auto program = load_on(session, words, vector.dtype, executor, of);
      if (!program) {
        tally.failed++;
        continue;
      }
      HostOperands operands(*program, vector.dtype, first_items(vector.batch));
      operands.fill(vector.seed, vector.dtype, nullptr);
      if (const Status status = program->run(vector.batch, operands.pointers(), 0, nullptr); !status.ok()) {
        tally.failed++;
        session.fail(of, executor.name, status.message);
        if (status.code == Code::device_lost) check(status);
        continue;
      }
      std::size_t at = 0;
      for (std::size_t i = 0; i < program->operand_count(); i++) {
        if (!program->operand(i).output) continue;
        Distance distance;
        for (std::int64_t e = 0; e < operands.count(i); e++)
          distance.add(operands.value(i, e), at < vector.expected.size() ? vector.expected[at++] : NAN);
        judge(session, tally, of, executor.name, distance.value(),
              bound_of(stored_type(program->operand(i), vector.dtype)));
      }
      if (at != vector.expected.size()) session.fail(of, executor.name, "has fewer outputs than its vector");
    }
    add_tally(session, std::string("vectors, ") + executor.name, tally);
  }
}

void check_gradients(Session& session) {
  constexpr std::int64_t kMostItems = 33, kElements = 1 << 22;
  for (const Executor& executor : kExecutors) {
    Tally tally;
    for (const Case& each : read_suite(session.options.data)) {
      if (!is_chosen(session.options.cases, each.name)) continue;
      const std::vector<float> weights = read_weights(session.options.data, each.name);
      for (const char* const map : {"inputGradient", "weightGradient"}) {
        const std::string of = each.name + " " + map;
        const auto words = read_program(session.options.data, each.name, map);
        const auto program = load_on(session, words, Dtype::f32, executor, of);
        if (!program) {
          tally.failed++;
          continue;
        }
        Status status;
        const auto cpu = brauer::load(words.data(), words.size(), Dtype::f64, 256, status);
        check(status);
        std::int64_t elements = 1;
        for (std::size_t i = 0; i < cpu->operand_count(); i++) elements += cpu->operand(i).size;
        // An odd number of items, so that tiles do not end with them.
        const std::int64_t batch = std::clamp<std::int64_t>(
            kElements / elements, 1, std::min(kMostItems, session.options.quick ? std::int64_t(3) : each.gpu_batch));
        HostOperands truth(*cpu, Dtype::f64, first_items(batch)), found(*program, Dtype::f32, first_items(batch));
        truth.fill(kCaseSeed, Dtype::f32, &weights);
        found.fill(kCaseSeed, Dtype::f32, &weights);
        check(cpu->run(batch, truth.pointers(), 0, nullptr));
        check(program->run(batch, found.pointers(), 0, nullptr));
        for (std::size_t i = 0; i < program->operand_count(); i++) {
          if (!program->operand(i).output) continue;
          Distance distance;
          for (std::int64_t e = 0; e < found.count(i); e++) distance.add(found.value(i, e), truth.value(i, e));
          judge(session, tally, of, executor.name, distance.value(), bound_of(Dtype::f32));
        }
      }
    }
    add_tally(session, std::string("gradients of the suite, ") + executor.name, tally);
  }
}

}  // namespace brauer::gpu
