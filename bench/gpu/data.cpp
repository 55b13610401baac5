#include "gpu/data.h"

#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace brauer::gpu {
namespace {

template <class T>
std::vector<T> read_numbers(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  const std::string bytes = content.str();
  if (!file || bytes.size() % sizeof(T) != 0) throw std::runtime_error(path + ": expected a file of numbers");
  std::vector<T> numbers(bytes.size() / sizeof(T));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

// The words of each line that has any.
std::vector<std::vector<std::string>> read_lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::vector<std::string> fields;
    for (std::string word; words >> word;) fields.push_back(word);
    if (!fields.empty()) lines.push_back(fields);
  }
  if (lines.empty()) throw std::runtime_error(path + ": expected a list");
  return lines;
}

Dtype dtype_of(const std::string& name) {
  if (name == "float32") return Dtype::f32;
  if (name == "float64") return Dtype::f64;
  if (name == "float16") return Dtype::f16;
  if (name == "bfloat16") return Dtype::bf16;
  throw std::runtime_error("expected a dtype, received " + name);
}

}  // namespace

std::vector<Case> read_suite(const std::string& folder) {
  std::vector<Case> cases;
  for (const auto& fields : read_lines(folder + "/suite.txt")) {
    const std::vector<std::string> values(fields.begin() + 1, fields.end());
    if (fields[0] == "case") cases.emplace_back().name = values.at(0);
    Case& last = cases.back();
    if (fields[0] == "title")
      for (const std::string& word : values) last.title += (last.title.empty() ? "" : " ") + word;
    if (fields[0] == "batch") last.batch = std::stoll(values.at(0)), last.gpu_batch = std::stoll(values.at(1));
    if (fields[0] == "least") last.least_flops = std::stod(values.at(0));
    if (fields[0] == "inputs") last.inputs = values;
    if (fields[0] == "outputs") last.outputs = values;
  }
  return cases;
}

std::vector<double> read_program(const std::string& folder, const std::string& of, const std::string& map) {
  return read_numbers<double>(folder + "/programs/" + of + "." + map + ".bin");
}

std::vector<float> read_weights(const std::string& folder, const std::string& of) {
  return read_numbers<float>(folder + "/weights/" + of + ".bin");
}

std::vector<Vector> read_vectors(const std::string& folder) {
  const std::vector<float> narrow = read_numbers<float>(folder + "/expected.f32.bin");
  const std::vector<double> wide = read_numbers<double>(folder + "/expected.f64.bin");
  std::vector<Vector> vectors;
  std::size_t narrow_at = 0, wide_at = 0;
  // name map dtype batch seed elements
  for (const auto& fields : read_lines(folder + "/vectors.txt")) {
    Vector vector{
        fields.at(0), fields.at(1), dtype_of(fields.at(2)), std::stoll(fields.at(3)), std::stoull(fields.at(4)), {}};
    const std::size_t count = std::stoull(fields.at(5));
    const bool is_wide = vector.dtype == Dtype::f64;
    if (count > (is_wide ? wide.size() - wide_at : narrow.size() - narrow_at))
      throw std::runtime_error(folder + ": expected more outputs of " + vector.name);
    for (std::size_t i = 0; i < count; i++)
      vector.expected.push_back(is_wide ? wide[wide_at++] : double(narrow[narrow_at++]));
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

}  // namespace brauer::gpu
