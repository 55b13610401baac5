#pragma once

namespace brauer::cuda {

// A worker's rows of a product, with one `right` for all items (they may then belong to several): by one vector of
// columns, or by two: 48 sums, of which nothing spills where two blocks share a multiprocessor.
inline constexpr int kProductRows = 8, kPairRows = 6;

}  // namespace brauer::cuda
