#include "emulation/control.h"

#include <cstdlib>
#include <sstream>

#include "emulation/machine.h"
#include "emulation/sanitizers.h"

namespace brauer::emulation {

namespace {

constexpr const char* call_names[] = {"allocate",     "allocate_pinned",
                                      "free_memory",  "create_stream",
                                      "create_event", "record",
                                      "wait",         "is_done",
                                      "elapsed",      "copy",
                                      "fill",         "launch",
                                      "occupancy",    "synchronise",
                                      "execution",    "any"};
static_assert(std::size(call_names) == call_count);

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

// fail=call:n:code
bool plan_failure(Machine& m, const std::string& text) {
  const auto parts = split(text, ':');
  if (parts.size() != 3) return false;
  for (int call = 0; call < call_count; call++)
    for (const Code code : {Code::out_of_memory, Code::device_lost, Code::internal, Code::invalid_argument})
      if (parts[0] == call_names[call] && parts[2] == code_name(code)) {
        m.planned.push_back({Call(call), std::atoll(parts[1].c_str()), code});
        return true;
      }
  return false;
}

bool apply(Machine& m, const std::string& key, const std::string& value) {
  const std::int64_t number = std::atoll(value.c_str());
  if (key == "devices") return !(m.devices = make_devices(split(value, ','))).empty();
  if (key == "memory") {
    for (Device& device : m.devices) device.info.memory = number;
  } else if (key == "seed") {
    m.settings.seed = std::uint64_t(number);
  } else if (key == "poison") {
    m.settings.poison = static_cast<unsigned char>(number);
  } else if (key == "landing" && (value == "earliest" || value == "latest")) {
    m.settings.landing = value == "latest" ? Landing::latest : Landing::earliest;
  } else if (key == "check" && (value == "0" || value == "1")) {
    m.settings.check = value == "1";
  } else if (key == "unwritten" && (value == "reject" || value == "allow")) {
    m.settings.reject_unwritten = value == "reject";
  } else {
    return key == "fail" && plan_failure(m, value);
  }
  return true;
}

}  // namespace

void read_environment(Machine& m) {
  const char* text = std::getenv("BRAUER_EMULATION");
  if (text == nullptr) return;
  for (const std::string& part : split(text, ' ')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || !apply(m, part.substr(0, equals), part.substr(equals + 1)))
      m.problem = "BRAUER_EMULATION: expected key=value with a key and value of emulation/control.h, received " + part;
  }
  if (!m.problem.empty()) m.devices.clear();
}

Settings settings() {
  const std::lock_guard lock(machine().mutex);
  return machine().settings;
}

void configure(const Settings& settings) {
  const std::lock_guard lock(machine().mutex);
  machine().settings = settings;
  machine().random = {settings.seed};
}

bool reset(const std::vector<std::string>& devices) {
  Machine& m = machine();
  const std::lock_guard lock(m.mutex);
  if (!m.allocations.empty() || !m.streams.empty() || m.events != 0) return false;
  auto made = make_devices(devices);
  if (made.empty()) return false;
  m.devices = std::move(made);
  m.settings = {};
  m.random = {m.settings.seed};
  m.planned.clear();
  m.misuse.clear();
  for (auto& count : m.counts) count = 0;
  return true;
}

void limit_memory(int device, std::int64_t bytes) {
  const std::lock_guard lock(machine().mutex);
  machine().devices.at(std::size_t(device)).info.memory = bytes;
}

void fail(Call call, std::int64_t nth, Code code) {
  const std::lock_guard lock(machine().mutex);
  machine().planned.push_back({call, nth, code});
}

std::int64_t calls(Call call) {
  const std::lock_guard lock(machine().mutex);
  return machine().counts[int(call)];
}

Live live() {
  Machine& m = machine();
  const std::lock_guard lock(m.mutex);
  return {std::int64_t(m.allocations.size()), std::int64_t(m.streams.size()), m.events};
}

bool is_same_with_both_poisons(const std::function<std::vector<unsigned char>()>& result) {
  const Settings before = settings();
  std::vector<unsigned char> results[2];
  for (int i = 0; i < 2; i++) {
    Settings changed = before;
    changed.poison = i == 0 ? 0xff : 0x3b;
    configure(changed);
    results[i] = result();
  }
  configure(before);
  return results[0] == results[1];
}

void with_all_settings(int seeds, const std::function<void(const Settings&)>& body) {
  const Settings before = settings();
  for (int seed = 1; seed <= seeds; seed++)
    for (const unsigned char poison : {0xff, 0x3b})
      for (const Landing landing : {Landing::earliest, Landing::latest}) {
        Settings changed = before;
        changed.seed = std::uint64_t(seed);
        changed.poison = poison;
        changed.landing = landing;
        configure(changed);
        body(changed);
      }
  configure(before);
}

Finder finder() {
  if (finds_races) return Finder::thread_sanitizer;
  return guards_memory ? Finder::address_sanitizer : Finder::device;
}

}  // namespace brauer::emulation
