#include "gpu/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <stdexcept>

namespace brauer::gpu {
namespace {

std::string format(const char* how, double number) {
  char text[64];
  std::snprintf(text, sizeof text, how, number);
  return text;
}

std::string pad(std::string text, std::size_t width, bool left) {
  // Titles hold ASCII alone.
  if (text.size() < width) text.insert(left ? text.size() : 0, width - text.size(), ' ');
  return text;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] == '{') lines.push_back(line);
  return lines;
}

void add_line(std::string& text, const std::vector<std::string>& cells) {
  static const std::size_t widths[] = {11, 18, 8, 11, 17, 9, 9, 9, 9};
  for (std::size_t i = 0; i < cells.size(); i++) text += pad(cells[i], widths[i], i < 2) + "  ";
  text.erase(text.find_last_not_of(' ') + 1);
  text += '\n';
}

std::string three(double number) { return std::isnan(number) ? "" : format("%.3g", number); }

void add_timed(std::string& text, const std::string& line) {
  const bool is_latency = text_of(line, "kind") == "latency";
  const double share = number_of(line, "share");
  add_line(text, {text_of(line, "case"), text_of(line, "contender"), format("%.0f", number_of(line, "batch")),
                  three(number_of(line, "ms")), three(number_of(line, "low")) + " " + three(number_of(line, "high")),
                  three(number_of(line, "predicted_ms")),
                  is_latency          ? "latency"
                  : std::isnan(share) ? ""
                                      : format("%.0f%%", 100 * share),
                  three(number_of(line, "bytes_per_second") / 1e9), three(number_of(line, "flops_per_second") / 1e12)});
}

}  // namespace

Field::Field(std::string key, const std::string& text) : name(std::move(key)), json("\"") {
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  json += '"';
}

Field::Field(std::string key, double number)
    : name(std::move(key)), json(std::isfinite(number) ? format("%.10g", number) : "null") {}

Report::Report(std::string path, bool append) : path_(std::move(path)) {
  if (append && std::ifstream(path_)) return;
  std::ofstream(path_) << "[\n]\n";
  if (!std::ifstream(path_)) throw std::runtime_error(path_ + ": expected a file that can be written");
}

void Report::add(const Row& row) {
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  // "\n]\n" is behind the last row, "[\n]\n" is the whole of an array without any.
  file.seekg(0, std::ios::end);
  const bool is_first = file.tellg() == std::streampos(4);
  file.seekp(-3, std::ios::end);
  file << (is_first ? "\n{" : ",\n{");
  for (std::size_t i = 0; i < row.size(); i++) file << (i ? ", \"" : "\"") << row[i].name << "\": " << row[i].json;
  file << "}\n]\n";
  file.flush();
  if (!file) throw std::runtime_error(path_ + ": expected a file that can be written");
}

std::string text_of(const std::string& line, const std::string& name) {
  const std::string key = "\"" + name + "\": \"";
  const std::size_t at = line.find(key);
  if (at == std::string::npos) return "";
  std::string text;
  for (std::size_t i = at + key.size(); i < line.size() && line[i] != '"'; i++) {
    if (line[i] == '\\') i++;
    text += line[i];
  }
  return text;
}

double number_of(const std::string& line, const std::string& name) {
  const std::string key = "\"" + name + "\": ";
  const std::size_t at = line.find(key);
  if (at == std::string::npos) return std::numeric_limits<double>::quiet_NaN();
  const char* const begin = line.c_str() + at + key.size();
  char* end = nullptr;
  const double number = std::strtod(begin, &end);
  return end == begin ? std::numeric_limits<double>::quiet_NaN() : number;
}

std::string table_of(const std::string& path) {
  std::string head, text, notes;
  std::vector<std::string> timed;
  int failed = 0, skipped = 0;
  add_line(text, {"case", "contender", "batch", "ms", "quartiles", "model, ms", "roofline", "GB/s", "TFLOP/s"});
  for (const std::string& line : lines_of(path)) {
    const std::string kind = text_of(line, "kind"), contender = text_of(line, "contender");
    const std::string what = text_of(line, "case") + (contender.empty() ? "" : " " + contender);
    if (kind == "machine") {
      head += text_of(line, "device") + ", driver " + text_of(line, "driver") + ", " + text_of(line, "cpu") + "\n";
    } else if (kind == "rate") {
      head += text_of(line, "name") + " " + three(number_of(line, "value")) + " " + text_of(line, "unit") + "\n";
    } else if (kind == "check") {
      head += text_of(line, "name") + ": " + three(number_of(line, "passed")) + " passed, " +
              three(number_of(line, "failed")) + " failed\n";
    } else if (kind == "throughput" || kind == "latency") {
      timed.push_back(line);
    } else if (kind == "failure") {
      failed++;
      notes += "FAILED   " + what + ": " + text_of(line, "reason") + "\n";
    } else if (kind == "skip") {
      skipped++;
      notes += "skipped  " + what + ": " + text_of(line, "reason") + "\n";
    }
  }
  // Case by case, whoever measured it, and throughput before latency.
  std::vector<std::string> order;
  for (const std::string& line : timed)
    if (std::find(order.begin(), order.end(), text_of(line, "case")) == order.end())
      order.push_back(text_of(line, "case"));
  for (const std::string& name : order)
    for (const char* const kind : {"throughput", "latency"})
      for (const std::string& line : timed)
        if (text_of(line, "case") == name && text_of(line, "kind") == kind) add_timed(text, line);
  return head + "\n" + text + "\n" + notes + std::to_string(failed) + " failed, " + std::to_string(skipped) +
         " skipped\n";
}

}  // namespace brauer::gpu
