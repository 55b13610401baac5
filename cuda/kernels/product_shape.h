#pragma once

namespace brauer::cuda {

// A worker's rows of a product, with one `right` for all items (they may then belong to several): by one vector of
// columns, or by two.
inline constexpr int kProductRows = 8, kPairRows = 4;

}  // namespace brauer::cuda
