// What the benchmark on a device (bench/gpu) stands on: its numbers are those of lib/tensor/random.ts, its file is
// whole JSON after every row, its table names what failed.

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "check.h"
#include "gpu/generator.h"
#include "gpu/report.h"

using namespace brauer::gpu;

namespace {

std::string content_of(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

void numbers_are_those_of_typescript() {
  // seed, index, value with 17 digits
  std::ifstream file(FIXTURES "/uniform.txt");
  int count = 0;
  std::uint64_t seed = 0, index = 0;
  for (std::string value; file >> seed >> index >> value; count++)
    CHECK_WITH(uniform_at(seed, index) == std::strtod(value.c_str(), nullptr),
               std::to_string(seed) + " " + std::to_string(index));
  CHECK(count == 40);
}

void a_report_is_whole_after_every_row() {
  const std::string path = "gpu_bench_test.json";
  Report report(path, false);
  CHECK(content_of(path) == "[\n]\n");
  report.add({{"kind", "rate"}, {"name", "a \"copy\""}, {"value", 2.5e12}, {"unit", "B/s"}});
  CHECK(content_of(path) ==
        "[\n{\"kind\": \"rate\", \"name\": \"a \\\"copy\\\"\", \"value\": 2.5e+12, \"unit\": \"B/s\"}\n]\n");
  Report(path, true).add({{"kind", "skip"}, {"case", "s3"}, {"contender", "torch"}, {"reason", "no torch"}});
  report.add({{"kind", "failure"}, {"case", "s4"}, {"contender", "brauer fused"}, {"reason", "wrong"}});
  report.add({{"kind", "throughput"},
              {"case", "s4"},
              {"contender", "brauer staged"},
              {"batch", 8},
              {"ms", 1.25},
              {"low", 1},
              {"high", 2},
              {"predicted_ms", 1.5},
              {"share", 0.5},
              {"bytes_per_second", 1e12},
              {"flops_per_second", 0.0 / 0.0}});
  const std::string text = content_of(path);
  CHECK(text.substr(text.size() - 4) == "}\n]\n" && text.find("\"flops_per_second\": null") != std::string::npos);
  const std::string table = table_of(path);
  CHECK(table.find("a \"copy\" 2.5e+12 B/s\n") != std::string::npos);
  CHECK(table.find("1.25" + std::string(16, ' ') + "1 2" + std::string(8, ' ') + "1.5" + std::string(8, ' ') + "50%" +
                   std::string(6, ' ') + "1e+03") != std::string::npos);
  CHECK(table.find("skipped  s3 torch: no torch\n") != std::string::npos);
  CHECK(table.find("FAILED   s4 brauer fused: wrong\n1 failed, 1 skipped\n") != std::string::npos);
  std::remove(path.c_str());
}

}  // namespace

int main() {
  numbers_are_those_of_typescript();
  a_report_is_whole_after_every_row();
  return check::finish();
}
