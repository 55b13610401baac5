// Every layer of the suite: proved, then timed.
#include <algorithm>
#include <cmath>
#include <functional>

#include "gpu/data.h"
#include "gpu/kernels.h"
#include "gpu/operands.h"
#include "gpu/timing.h"

namespace brauer::gpu {
namespace {

constexpr std::int64_t kMostSets = 32;

// Operands on the device, several times over, so that together they are far larger than its last cache; all with the
// same inputs.
class Sets {
 public:
  Sets(Session& session, const Executable& program, const std::vector<float>& weights, std::int64_t batch)
      : session_(session) {
    const Options& options = session.options;
    std::int64_t bytes = 1;
    for (std::size_t i = 0; i < program.operand_count(); i++) bytes += bytes_of(program, i, batch);
    std::int64_t free = 0, total = 0;
    check(cuda::free_memory(options.device, free, total));
    const std::int64_t wanted = options.quick ? 2 : (3 * session.info.l2 + bytes - 1) / bytes;
    const std::int64_t most = std::min(kMostSets, std::max<std::int64_t>(free * 2 / 5 / bytes, 1));
    for (std::int64_t s = 0; s < std::clamp<std::int64_t>(wanted, 2, std::max<std::int64_t>(most, 2)); s++) {
      pointers_.emplace_back();
      for (std::size_t i = 0; i < program.operand_count(); i++) {
        const Operand& operand = program.operand(i);
        const std::int64_t size = bytes_of(program, i, batch);
        cuda::DeviceMemory& memory = memory_.emplace_back(options.device);
        check(memory.reserve(std::size_t(size) + 1));
        pointers_.back().push_back(memory.get());
        // All of it NaN, where nothing has been written.
        if (operand.output) check(cuda::fill(session.stream, memory.get(), 0xff, std::size_t(size)));
        if (operand.output || size == 0) continue;
        if (operand.shared)
          check(cuda::copy(session.stream, memory.get(), weights.data(), std::size_t(size)));
        else
          check(fill_inputs(session.stream, memory.as<float>(), kCaseSeed + i, size / 4,
                            16 * session.info.multiprocessors));
      }
    }
    check(cuda::synchronise(session.stream));
  }

  void poison_outputs(const Executable& program, std::size_t set, std::int64_t batch) {
    for (std::size_t i = 0; i < program.operand_count(); i++)
      if (program.operand(i).output)
        check(cuda::fill(session_.stream, pointers_[set][i], 0xff, std::size_t(bytes_of(program, i, batch))));
  }

  const std::vector<DeviceOperands>& all() const { return pointers_; }

 private:
  static std::int64_t bytes_of(const Executable& program, std::size_t i, std::int64_t batch) {
    const Operand& operand = program.operand(i);
    return operand.size * operand.element_bytes * (operand.shared ? 1 : batch);
  }

  Session& session_;
  std::vector<cuda::DeviceMemory> memory_;
  std::vector<DeviceOperands> pointers_;
};

using Runs = std::vector<std::unique_ptr<cuda::DeviceRun>>;

// One run for each set, as far as there is memory for their scratch.
Runs bind_runs(Session& session, const cuda::DeviceProgram& program, std::int64_t batch, const Sets& sets) {
  Runs runs;
  Status status;
  for (const DeviceOperands& operands : sets.all()) {
    auto run = program.bind(batch, operands.data(), session.stream, status);
    if (!run && (status.code != Code::out_of_memory || runs.empty())) check(status);
    if (!run) break;
    runs.push_back(std::move(run));
  }
  return runs;
}

class CaseRun {
 public:
  CaseRun(Session& session, const Case& of)
      : session_(session),
        of_(of),
        words_(read_program(session.options.data, of.name, "forward")),
        weights_(read_weights(session.options.data, of.name)) {
    const Options& options = session.options;
    std::int64_t free = 0, total = 0;
    check(cuda::free_memory(options.device, free, total));
    for (const Executor& executor : kExecutors) {
      Status status;
      auto program =
          cuda::load(words_.data(), words_.size(), Dtype::f32, {options.device, executor.mode, free / 5}, status);
      if (!program) session.fail(of.name, executor.name, status.message);
      if (program) loaded_.push_back({&executor, std::move(program)});
    }
  }

  void run() {
    if (loaded_.empty()) return;
    const std::int64_t most = session_.options.most_batch;
    const std::int64_t batch = std::min(of_.gpu_batch, most), small = std::min(of_.batch, most);
    Sets sets(session_, *loaded_[0].program, weights_, batch);
    if (!session_.options.truth.empty()) write_truth(session_, of_.name, of_.outputs, words_, weights_, batch);
    const auto throughput = [&](const Loaded& each, double error, const std::string& how) {
      add_throughput(each, bind_runs(session_, *each.program, batch, sets), batch, error, how);
    };
    if (batch > 1) measure(sets, batch, throughput);
    measure(sets, small, [&](const Loaded& each, double error, const std::string& how) {
      const Runs runs = bind_runs(session_, *each.program, small, sets);
      const auto enqueue = [&](int run) { return runs[std::size_t(run) % runs.size()]->enqueue(); };
      add_latency(each.executor->name, small, time_latency(session_, enqueue), predicted(each, small), error, how);
    });
    add_latency("an empty launch", small, time_latency(session_, [&](int) { return launch_nothing(session_.stream); }),
                NAN, 0, "");
  }

 private:
  struct Loaded {
    const Executor* executor;
    std::unique_ptr<cuda::DeviceProgram> program;
  };

  // Each executor writes the outputs of a set of its own, all are compared at once, and those that are right are timed.
  void measure(Sets& sets, std::int64_t batch,
               const std::function<void(const Loaded&, double, const std::string&)>& time) {
    std::vector<DeviceOperands> answers;
    std::vector<const Loaded*> ran;
    for (std::size_t i = 0; i < loaded_.size(); i++) {
      sets.poison_outputs(*loaded_[i].program, i, batch);
      Status status;
      const auto run = loaded_[i].program->bind(batch, sets.all()[i].data(), session_.stream, status);
      if (run) status = run->enqueue();
      const Status end = cuda::synchronise(session_.stream);
      if (status.ok()) status = end;
      if (!status.ok()) session_.fail(of_.name, loaded_[i].executor->name, status.message);
      // Nothing else can be measured on a device that is lost.
      if (status.code == Code::device_lost) check(status);
      if (!status.ok()) continue;
      answers.push_back(sets.all()[i]);
      ran.push_back(&loaded_[i]);
    }
    if (ran.empty()) return;
    const Verdict verdict = compare_with_cpu(session_, words_, weights_, batch, answers);
    for (std::size_t i = 0; i < ran.size(); i++) {
      if (verdict.errors[i] <= bound_of(Dtype::f32))
        time(*ran[i], verdict.errors[i], verdict.how);
      else
        session_.fail(of_.name, ran[i]->executor->name,
                      "wrong by " + std::to_string(verdict.errors[i]) + " on " + verdict.how);
    }
  }

  void add_throughput(const Loaded& each, const Runs& runs, std::int64_t batch, double error, const std::string& how) {
    const Times times =
        time_on_device(session_, [&](int run) { return runs[std::size_t(run) % runs.size()]->enqueue(); });
    double bytes = 0;
    for (std::size_t i = 0; i < each.program->operand_count(); i++) {
      const Operand& operand = each.program->operand(i);
      if (!operand.shared) bytes += double(operand.size) * operand.element_bytes * double(batch);
    }
    const double flops = of_.least_flops * double(batch);
    Row row{{"kind", "throughput"},
            {"case", of_.name},
            {"title", of_.title},
            {"contender", each.executor->name},
            {"batch", double(batch)},
            {"ms", times.median},
            {"low", times.low},
            {"high", times.high},
            {"runs", times.runs},
            {"buffers", double(runs.size())},
            {"error", error},
            {"checked", how},
            {"predicted_ms", predicted(each, batch)},
            {"bytes", bytes},
            {"flops", flops},
            {"bytes_per_second", 1e3 * bytes / times.median},
            {"flops_per_second", 1e3 * flops / times.median}};
    if (session_.copy > 0 && session_.ffma > 0) {
      const double least = 1e3 * std::max(bytes / session_.copy, flops / session_.ffma);
      row.push_back({"roofline_ms", least});
      row.push_back({"share", least / times.median});
    }
    session_.report.add(row);
  }

  // What the model says, by which the backend chooses a mode.
  double predicted(const Loaded& each, std::int64_t batch) const {
    cuda::Estimate fused, staged;
    check(cuda::estimate(words_.data(), words_.size(), Dtype::f32, cuda::Precision::highest, session_.info, batch,
                         fused, staged));
    return 1e3 * (each.executor->mode == cuda::Mode::fused ? fused : staged).seconds;
  }

  void add_latency(const char* contender, std::int64_t batch, const Times& times, double model, double error,
                   const std::string& how) {
    session_.report.add({{"kind", "latency"},
                         {"case", of_.name},
                         {"title", of_.title},
                         {"contender", contender},
                         {"batch", double(batch)},
                         {"ms", times.median},
                         {"low", times.low},
                         {"high", times.high},
                         {"runs", times.runs},
                         {"predicted_ms", model},
                         {"error", error},
                         {"checked", how}});
  }

  Session& session_;
  const Case& of_;
  std::vector<double> words_;
  std::vector<float> weights_;
  std::vector<Loaded> loaded_;
};

}  // namespace

void measure_suite(Session& session) {
  for (const Case& each : read_suite(session.options.data)) {
    if (!is_chosen(session.options.cases, each.name)) continue;
    CaseRun(session, each).run();
  }
}

}  // namespace brauer::gpu
