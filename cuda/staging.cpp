#include "cuda/staging.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/parallel.h"

namespace brauer::cuda {
namespace {

// Long enough that what a copy costs to begin is little beside it.
constexpr std::size_t kPiece = std::size_t(4) << 20;
// One processor copies slower than most buses.
constexpr std::size_t kGrain = std::size_t(256) << 10;

Status copy_host(void* to, const void* from, std::size_t bytes) {
  const auto part = [&](std::int64_t begin, std::int64_t end) {
    const std::size_t first = std::size_t(begin) * kGrain, last = std::min(std::size_t(end) * kGrain, bytes);
    std::memcpy(static_cast<char*>(to) + first, static_cast<const char*>(from) + first, last - first);
    return Status{};
  };
  const auto grains = std::int64_t((bytes + kGrain - 1) / kGrain);
  return grains == 1 ? part(0, 1) : parallel_for(default_threads().threads, grains, 1, part);
}

}  // namespace

Staging::~Staging() {
  for (Piece& piece : pieces_) destroy_event(piece.event);
}

void Staging::free() {
  for (Piece& piece : pieces_) piece.memory.free(), piece.travels = false, piece.target = nullptr;
}

// The piece is the host's again, and what it was to bring has arrived.
Status Staging::finish(Piece& piece) {
  if (!std::exchange(piece.travels, false)) return {};
  Status status = synchronise(piece.event);
  if (char* const target = std::exchange(piece.target, nullptr); target != nullptr && status.ok())
    status = copy_host(target, piece.memory.get(), piece.bytes);
  return status;
}

Status Staging::prepare(Piece& piece, std::size_t bytes) {
  Status status = finish(piece);
  if (status.ok() && piece.event == nullptr) status = create_event(device_, piece.event);
  return status.ok() ? piece.memory.reserve(bytes) : status;
}

Status Staging::upload(Stream* stream, void* device, const void* host, std::size_t bytes) {
  Status status;
  for (std::size_t at = 0; at < bytes && status.ok(); at += kPiece) {
    Piece& piece = pieces_[next_ ^= 1];
    const std::size_t size = std::min(kPiece, bytes - at);
    status = prepare(piece, size);
    if (status.ok()) status = copy_host(piece.memory.get(), static_cast<const char*>(host) + at, size);
    if (status.ok()) status = copy(stream, static_cast<char*>(device) + at, piece.memory.get(), size);
    if (status.ok()) status = record(piece.event, stream);
    piece.travels = status.ok();
  }
  return status;
}

Status Staging::download(Stream* stream, void* host, const void* device, std::size_t bytes) {
  Status status;
  for (std::size_t at = 0; at < bytes && status.ok(); at += kPiece) {
    Piece& piece = pieces_[next_ ^= 1];
    const std::size_t size = std::min(kPiece, bytes - at);
    status = prepare(piece, size);
    if (status.ok()) status = copy(stream, piece.memory.get(), static_cast<const char*>(device) + at, size);
    if (status.ok()) status = record(piece.event, stream);
    if (!status.ok()) break;
    piece.travels = true, piece.target = static_cast<char*>(host) + at, piece.bytes = size;
  }
  for (const int i : {next_ ^ 1, next_})
    if (Status finished = finish(pieces_[i]); status.ok()) status = std::move(finished);
  return status;
}

}  // namespace brauer::cuda
