// Faults that are planted, and found. Without arguments all of them, each beside its twin; with the name of one and
// "fault" or "twin" that one alone, and nothing else in the process. The first calls the second where a sanitizer ends
// the process.
#include "cuda/faults.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "cuda/fixture.h"

using namespace brauer;
using namespace brauer::cuda;

namespace {

std::string program;

// What the emulated device is for. It names each of them; what a sanitizer finds too is noted beside the fault, and the
// others of the tables are their relatives.
constexpr const char* promised[] = {
    "a race in shared memory whose output is right",
    "a race between blocks",
    "a divergent barrier",
    "an access outside shared memory",
    "a read of memory nobody wrote",
    "a misaligned vector access",
    "a copy awaited too late",
    "a missing event wait",
    "too much shared memory",
};

Status run_one(const PlantedFault& fault, bool planted, const emulation::Settings& settings) {
  emulation::configure(settings);
  CHECK(create_stream(0, stream).ok());
  const Status status = fault.run(planted);
  destroy_stream(stream);
  return status;
}

bool ends_the_process(const PlantedFault& fault) {
  switch (emulation::finder()) {
    case emulation::Finder::device:
      return false;
    case emulation::Finder::address_sanitizer:  // and UndefinedBehaviorSanitizer
      return fault.sanitizer == Sanitizer::address || fault.sanitizer == Sanitizer::undefined;
    case emulation::Finder::thread_sanitizer:
      return fault.sanitizer == Sanitizer::thread;
  }
  return false;
}

// What a process that runs it says; "" if it ends well.
std::string output_of_child(const PlantedFault& fault, bool planted) {
  const std::string command = "'" + program + "' '" + fault.name + "' " + (planted ? "fault" : "twin") + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  char line[512];
  while (pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr) output += line;
  return pipe != nullptr && pclose(pipe) == 0 ? "" : output + ".";
}

void check_in_child(const PlantedFault& fault) {
  const std::string name = fault.name;
  const std::string output = output_of_child(fault, true);
  const char* expected = fault.sanitizer == Sanitizer::thread      ? "ThreadSanitizer: data race"
                         : fault.sanitizer == Sanitizer::undefined ? "misaligned address"
                                                                   : "AddressSanitizer";
  CHECK_WITH(output.find(expected) != std::string::npos, name + ": " + output);
  const std::string twin = output_of_child(fault, false);
  CHECK_WITH(twin.empty(), name + ", twin: " + twin);
  std::printf("%s\n    ends the process: %s\n", fault.name, expected);
}

void check_here(const PlantedFault& fault) {
  const int seeds = emulation::finder() == emulation::Finder::device ? 2 : 1;  // slow under a sanitizer
  emulation::with_all_settings(seeds, [&](const emulation::Settings& settings) {
    const std::string name = fault.name;
    const Status status = run_one(fault, true, settings);
    CHECK_WITH(status.code == Code::internal && status.message.find(fault.message) != std::string::npos,
               name + ": " + status.message);
    const Status twin = run_one(fault, false, settings);
    CHECK_WITH(twin.ok(), name + ", twin: " + twin.message);
    if (settings.seed == 1 && settings.poison == 0xff && settings.landing == emulation::Landing::latest)
      std::printf("%s\n    %s\n", fault.name, status.message.c_str());
  });
}

void check_all(const std::vector<PlantedFault>& faults) {
  for (const PlantedFault& fault : faults) {
    if (ends_the_process(fault))
      check_in_child(fault);
    else if (fault.net == Net::always || emulation::finder() == emulation::Finder::device)
      check_here(fault);
  }
}

void every_promise_is_kept(const std::vector<PlantedFault>& faults) {
  for (const char* name : promised)
    CHECK_WITH(std::count_if(faults.begin(), faults.end(),
                             [&](const PlantedFault& fault) { return std::strcmp(fault.name, name) == 0; }) == 1,
               name);
}

// The first of the promised, where nobody looks: it takes more than a wrong output to find it.
void some_outputs_are_right(const std::vector<PlantedFault>& faults) {
  if (emulation::finder() != emulation::Finder::device) return;
  emulation::Settings unchecked;
  unchecked.check = false;
  const Status status = run_one(faults[0], true, unchecked);
  emulation::configure({});
  CHECK_WITH(std::strcmp(faults[0].name, promised[0]) == 0 && status.ok(), status.message);
}

int run_named(const std::vector<PlantedFault>& faults, const std::string& name, bool planted) {
  for (const PlantedFault& fault : faults)
    if (fault.name == name) return run_one(fault, planted, {}).ok() ? check::finish() : 1;
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  program = argv[0];
  CHECK(emulation::reset({"sm_80", "sm_90"}));
  std::vector<PlantedFault> faults = kernel_faults();
  for (const PlantedFault& fault : host_faults()) faults.push_back(fault);
  if (argc == 3) return run_named(faults, argv[1], std::strcmp(argv[2], "fault") == 0);
  every_promise_is_kept(faults);
  some_outputs_are_right(faults);
  check_all(faults);
  CHECK((emulation::live() == emulation::Live{0, 0, 0}));
  return check::finish();
}
