#include <algorithm>
#include <cstdlib>

#include "core/program.h"

namespace brauer {
namespace {

struct Step {
  Index extent, stride;
};

constexpr Index kMostPlaces = Index(1) << 22;

}  // namespace

bool is_injective(const std::vector<Loop>& loops) {
  std::vector<Step> steps;
  for (const Loop& loop : loops)
    if (loop.out != 0 && loop.extent > 1) steps.push_back({loop.extent, std::llabs(loop.out)});
  std::sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.stride < b.stride; });
  Index reach = 0;
  for (const Step& step : steps) {
    if (step.stride <= reach) return false;
    reach = saturating_add(reach, saturating_multiply(step.extent - 1, step.stride));
  }
  return true;
}

bool is_injective(const std::vector<Loop>& loops, const std::vector<Index>& offsets) {
  // A run of neighbours is looked at as one.
  Index run = 1;
  std::vector<Index> places = offsets;
  for (const Loop& loop : loops) {
    if (loop.out == 0 || loop.extent <= 1) continue;
    if (std::llabs(loop.out) == 1 && run == 1) {
      run = loop.extent;
      if (loop.out > 0) continue;
      for (Index& place : places) place -= run - 1;
      continue;
    }
    if (Index(places.size()) > kMostPlaces / loop.extent) return false;
    const std::size_t before = places.size();
    for (Index t = 1; t < loop.extent; t++)
      for (std::size_t i = 0; i < before; i++) places.push_back(places[i] + t * loop.out);
  }
  std::sort(places.begin(), places.end());
  for (std::size_t i = 1; i < places.size(); i++)
    if (places[i] - places[i - 1] < run) return false;
  return true;
}

}  // namespace brauer
