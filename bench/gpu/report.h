#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace brauer::gpu {

// A field of a row, its value already in JSON.
struct Field {
  std::string name, json;
  Field(std::string key, const std::string& text);
  Field(std::string key, const char* text) : Field(std::move(key), std::string(text)) {}
  Field(std::string key, double number);  // null where it is not finite
  Field(std::string key, int number) : Field(std::move(key), double(number)) {}
};
using Row = std::vector<Field>;

// Rows as a JSON array, one line each, that is whole after every row: what has been measured survives whatever comes
// next. bench/gpu/torch_suite.py goes on with the same file.
class Report {
 public:
  // Begins a new array, or goes on with the one that is there.
  Report(std::string path, bool append);
  // Throws std::runtime_error where the file cannot be written.
  void add(const Row& row);

 private:
  std::string path_;
};

// Values of one line of such a file; "" and NaN where there is none.
std::string text_of(const std::string& line, const std::string& name);
double number_of(const std::string& line, const std::string& name);

// Everything that was timed, beside the roofline, and what failed or was left out.
std::string table_of(const std::string& path);

}  // namespace brauer::gpu
