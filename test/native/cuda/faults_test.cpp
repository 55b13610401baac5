// Faults that are planted, and found. Without arguments all of them, each beside its twin; with the name of one and
// "fault" or "twin" that one alone, and nothing else in the process. The first calls the second where a sanitizer ends
// the process.
#include "cuda/faults.h"

#include <cstdio>
#include <cstring>

#include "cuda/fixture.h"

using namespace brauer;
using namespace brauer::cuda;

namespace {

std::string program;

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

int run_named(const std::string& name, bool planted) {
  for (const auto& faults : {kernel_faults(), host_faults()})
    for (const PlantedFault& fault : faults)
      if (fault.name == name) return run_one(fault, planted, {}).ok() ? check::finish() : 1;
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  program = argv[0];
  CHECK(emulation::reset({"sm_80", "sm_90"}));
  if (argc == 3) return run_named(argv[1], std::strcmp(argv[2], "fault") == 0);
  check_all(kernel_faults());
  check_all(host_faults());
  CHECK((emulation::live() == emulation::Live{0, 0, 0}));
  return check::finish();
}
