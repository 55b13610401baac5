#pragma once

namespace brauer::cuda {

// A worker's rows of a product: with one `right` for all items they may belong to several.
inline constexpr int kProductRows = 8;

}  // namespace brauer::cuda
