// The benchmark on a device: gpu_bench --help. Exit status: 0; 1 where an answer was wrong or something failed; 2 for a
// wrong command line; 77 where there is no device, which BRAUER_REQUIRE_GPU=1 makes 1.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "core/backend.h"
#include "gpu/session.h"

namespace brauer::gpu {

void check(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message);
}

bool is_chosen(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

void Session::fail(const std::string& of, const std::string& contender, const std::string& reason) {
  failed++;
  report.add({{"kind", "failure"}, {"case", of}, {"contender", contender}, {"reason", reason}});
}

namespace {

constexpr const char* kHelp =
    "gpu_bench [--data FOLDER] [--out FILE.json] [--append] [--phases vectors,gradients,rates,suite,table]\n"
    "          [--cases NAME,...] [--truth FOLDER] [--device N] [--seconds OF-EACH-FIGURE] [--most-batch N]\n"
    "          [--every N] [--quick]\n";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

// Throws std::invalid_argument.
Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i++) {
    const std::string name = argv[i];
    if (name == "--quick") {
      options.quick = true;
      continue;
    }
    if (name == "--append") {
      options.append = true;
      continue;
    }
    if (++i == argc) throw std::invalid_argument(name);
    const std::string value = argv[i];
    if (name == "--data")
      options.data = value;
    else if (name == "--out")
      options.out = value;
    else if (name == "--truth")
      options.truth = value;
    else if (name == "--phases")
      options.phases = split(value);
    else if (name == "--cases")
      options.cases = split(value);
    else if (name == "--device")
      options.device = std::stoi(value);
    else if (name == "--seconds")
      options.seconds = std::stod(value);
    else if (name == "--most-batch")
      options.most_batch = std::max(1ll, std::stoll(value));
    else if (name == "--every")
      options.every = std::max(1ll, std::stoll(value));
    else
      throw std::invalid_argument(name);
  }
  return options;
}

// Why there is nothing to run on; "" where there is.
std::string problem_of(const cuda::Probe& found, int device) {
  if (!found.problem.empty()) return found.problem;
  if (device < 0 || std::size_t(device) >= found.devices.size()) return "there is no device " + std::to_string(device);
  return found.devices[std::size_t(device)].problem;
}

void add_machine(Report& report, const Options& options, const cuda::Probe& found, const cuda::DeviceInfo& info) {
  std::string commit;
  std::ifstream(options.data + "/commit.txt") >> commit;
  char date[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  report.add({{"kind", "machine"},
              {"date", date},
              {"commit", commit},
              {"device", info.name},
              {"capability", std::to_string(info.major) + "." + std::to_string(info.minor)},
              {"multiprocessors", info.multiprocessors},
              {"memory", double(info.memory)},
              {"l2", double(info.l2)},
              {"shared_per_block", double(info.shared_per_block)},
              {"driver", found.driver},
              {"runtime", found.runtime},
              {"cpu", cpu_info().cpu},
              {"threads", cpu_info().threads}});
}

int run(const Options& options) {
  const auto wants = [&](const char* phase) { return is_chosen(options.phases, phase); };
  if (options.phases == std::vector<std::string>{"table"}) {
    std::fputs(table_of(options.out).c_str(), stdout);
    return 0;
  }
  Report report(options.out, options.append);
  const cuda::Probe found = cuda::probe();
  if (const std::string problem = problem_of(found, options.device); !problem.empty()) {
    const char* const required = std::getenv("BRAUER_REQUIRE_GPU");
    const bool fails = required != nullptr && std::string(required) == "1";
    report.add({{"kind", fails ? "failure" : "skip"}, {"case", "all"}, {"reason", problem}});
    std::fputs(table_of(options.out).c_str(), stdout);
    return fails ? 1 : 77;
  }
  const cuda::DeviceInfo& info = found.devices[std::size_t(options.device)].info;
  if (!options.append) add_machine(report, options, found, info);
  cuda::Stream* stream = nullptr;
  check(cuda::create_stream(options.device, stream));
  Session session{options, info, stream, report};
  try {
    if (wants("vectors")) check_vectors(session);
    if (wants("gradients")) check_gradients(session);
    if (wants("rates")) measure_rates(session);
    if (wants("suite")) measure_suite(session);
  } catch (const std::exception& error) {
    session.fail("the run", "", error.what());
  }
  cuda::destroy_stream(stream);
  if (wants("table")) std::fputs(table_of(options.out).c_str(), stdout);
  return session.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace brauer::gpu

int main(int argc, char** argv) {
  using namespace brauer::gpu;
  Options options;
  try {
    options = read_options(argc, argv);
  } catch (const std::logic_error& error) {
    const bool asks = argc == 2 && std::string(argv[1]) == "--help";
    std::fprintf(asks ? stdout : stderr, "%s%s", asks ? "" : "gpu_bench: wrong flag or value\n", kHelp);
    return asks ? 0 : 2;
  }
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gpu_bench: %s\n", error.what());
    return 1;
  }
}
