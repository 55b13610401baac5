#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>

#include "gpu/generator.h"
#include "gpu/operands.h"

namespace brauer::gpu {
namespace {

constexpr std::int64_t kSampled = 64;
constexpr double kMostSeconds = 5;
constexpr std::int64_t kChunkElements = 1 << 25;  // of all operands together
constexpr std::uint64_t kSampleSeed = 1u << 20;   // beside those of operands

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::unique_ptr<Executable> load_wide(const std::vector<double>& words) {
  Status status;
  auto cpu = brauer::load(words.data(), words.size(), Dtype::f64, 256, status);
  check(status);
  return cpu;
}

// Items anywhere in the batch, the last one, where tiles end, among them.
std::vector<std::int64_t> sample(std::int64_t batch) {
  if (batch <= kSampled) return first_items(batch);
  std::vector<std::int64_t> items;
  for (std::int64_t i = 0; i + 1 < kSampled; i++)
    items.push_back(std::int64_t(uniform_at(kSampleSeed, std::uint64_t(i)) * double(batch)));
  items.push_back(batch - 1);
  return items;
}

std::int64_t item_elements(const Executable& executable) {
  std::int64_t elements = 1;
  for (std::size_t i = 0; i < executable.operand_count(); i++)
    elements += executable.operand(i).shared ? 0 : executable.operand(i).size;
  return elements;
}

// Distances of each answer, by operand.
using Distances = std::vector<std::vector<Distance>>;

void compare_items(Session& session, const Executable& cpu, const std::vector<float>& weights,
                   std::vector<std::int64_t> items, const std::vector<DeviceOperands>& answers, Distances& distances) {
  const bool in_order = items.back() - items.front() + 1 == std::int64_t(items.size());
  const std::vector<std::int64_t> wanted = items;
  HostOperands truth(cpu, Dtype::f64, std::move(items));
  truth.fill(kCaseSeed, Dtype::f32, &weights);
  check(cpu.run(truth.batch(), truth.pointers(), 0, nullptr));
  for (std::size_t answer = 0; answer < answers.size(); answer++) {
    for (std::size_t i = 0; i < cpu.operand_count(); i++) {
      const std::int64_t size = cpu.operand(i).size;
      if (!cpu.operand(i).output || size == 0) continue;
      std::vector<float> found(static_cast<std::size_t>(truth.count(i)));
      const auto* const from = static_cast<const float*>(answers[answer][i]);
      if (in_order) {
        check(cuda::copy(session.stream, found.data(), from + wanted[0] * size, found.size() * sizeof(float)));
      } else {
        for (std::size_t k = 0; k < wanted.size(); k++)
          check(cuda::copy(session.stream, found.data() + std::int64_t(k) * size, from + wanted[k] * size,
                           std::size_t(size) * sizeof(float)));
      }
      check(cuda::synchronise(session.stream));
      Distance& distance = distances[answer][i];
      for (std::size_t at = 0; at < found.size(); at++) distance.add(found[at], truth.value(i, std::int64_t(at)));
    }
  }
}

}  // namespace

Verdict compare_with_cpu(Session& session, const std::vector<double>& words, const std::vector<float>& weights,
                         std::int64_t batch, const std::vector<DeviceOperands>& answers) {
  const auto cpu = load_wide(words);
  const Distances none(answers.size(), std::vector<Distance>(cpu->operand_count()));
  Distances distances = none;
  const std::vector<std::int64_t> some = sample(batch);
  const double start = seconds();
  compare_items(session, *cpu, weights, some, answers, distances);
  const double whole = (seconds() - start) * double(batch) / double(some.size());
  const bool is_sample = std::int64_t(some.size()) < batch;
  const bool compares_all = is_sample && whole < kMostSeconds && !session.options.quick;
  if (compares_all) {
    distances = none;
    const std::int64_t chunk = std::max<std::int64_t>(kChunkElements / item_elements(*cpu), 1);
    for (std::int64_t first = 0; first < batch; first += chunk) {
      std::vector<std::int64_t> items = first_items(std::min(chunk, batch - first));
      for (std::int64_t& item : items) item += first;
      compare_items(session, *cpu, weights, std::move(items), answers, distances);
    }
  }
  Verdict verdict{{}, is_sample && !compares_all ? std::to_string(some.size()) + " items" : "the whole batch"};
  for (const auto& of_answer : distances) {
    double worst = 0;
    // Not std::max: no number compares with NaN.
    for (const Distance& distance : of_answer) worst = distance.value() <= worst ? worst : distance.value();
    verdict.errors.push_back(worst);
  }
  return verdict;
}

void write_truth(Session& session, const std::string& name, const std::vector<std::string>& outputs,
                 const std::vector<double>& words, const std::vector<float>& weights, std::int64_t batch) {
  const auto cpu = load_wide(words);
  std::vector<std::int64_t> items{0};
  for (const std::int64_t item : {batch / 2, batch - 1})
    if (item > items.back()) items.push_back(item);
  HostOperands truth(*cpu, Dtype::f64, items);
  truth.fill(kCaseSeed, Dtype::f32, &weights);
  check(cpu->run(truth.batch(), truth.pointers(), 0, nullptr));
  std::size_t at = 0;
  for (std::size_t i = 0; i < cpu->operand_count(); i++) {
    if (!cpu->operand(i).output) continue;
    const std::string path = session.options.truth + "/" + name + ".y" + outputs.at(at++) + ".bin";
    std::ofstream file(path, std::ios::binary);
    file.write(static_cast<const char*>(truth.pointers()[i]), std::streamsize(truth.count(i) * 8));
    if (!file) throw std::runtime_error(path + ": expected a file that can be written");
  }
}

}  // namespace brauer::gpu
