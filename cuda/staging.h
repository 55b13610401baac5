#pragma once

#include "cuda/device.h"
#include "cuda/memory.h"

namespace brauer::cuda {

// Copies between a device and memory of the host that is not pinned, through two pinned pieces: the processor fills or
// empties one while the other travels. For one stream at a time.
class Staging {
 public:
  explicit Staging(int device) : device_(device), pieces_{Piece(device), Piece(device)} {}
  ~Staging();  // after its copies
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Returns when the host's memory has been read; the device has it in the stream's order.
  Status upload(Stream* stream, void* device, const void* host, std::size_t bytes);
  // Returns when the host has it.
  Status download(Stream* stream, void* host, const void* device, std::size_t bytes);
  // Gives back the pinned memory; after its copies.
  void free();

 private:
  struct Piece {
    explicit Piece(int device) : memory(device) {}
    PinnedMemory memory;
    Event* event = nullptr;  // after its last copy
    bool travels = false;    // until somebody has waited for that
    char* target = nullptr;  // of a download that travels, and its size
    std::size_t bytes = 0;
  };

  Status prepare(Piece& piece, std::size_t bytes);
  Status finish(Piece& piece);

  int device_;
  Piece pieces_[2];
  int next_ = 0;
};

}  // namespace brauer::cuda
