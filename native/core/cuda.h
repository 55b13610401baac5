#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/backend.h"

// What the bindings see of CUDA. A build without nvcc has this function too.
namespace brauer::cuda {

// The limits a program is compiled for. Sizes in bytes.
struct DeviceInfo {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  std::int64_t memory = 0;
  std::int64_t shared_per_block = 0;  // the most that a kernel may ask for
  std::int64_t shared_per_multiprocessor = 0;
  std::int64_t l2 = 0;
};

// What is there. Devices that cannot run our kernels are listed with the reason. Problems read "expected …, received
// …".
struct Probe {
  struct Found {
    DeviceInfo info;
    std::string problem;  // "" for a device that is usable
  };
  std::string driver, runtime;  // versions of CUDA, "" where unknown
  std::vector<Found> devices;
  std::string problem;  // why there is no device at all, "" where there is one
};

// Creates no context, but loads the driver: a tenth of a second or more on the first call where there is one.
Probe probe();

// Whether a device of this index can be used, with the reason.
Status find_device(int device, DeviceInfo* info = nullptr);

// fused: one launch, tiles of items in shared memory. staged: one launch per instruction. Both accept every program;
// automatic takes the one that a model of the device finds faster.
enum class Mode { automatic, fused, staged };

// What a run of a mode moves and computes, and the time that it implies. Counts are of the whole run but where said.
struct Estimate {
  double seconds = 0;
  double launches = 0;
  double global_bytes = 0;   // read from and written to memory
  double l2_bytes = 0;       // weights that the last cache hands out again and again
  double shared_bytes = 0;   // read from and written to shared memory
  double multiplies = 0;     // products and sums
  double instructions = 0;   // of warps
  double barriers = 0;       // of a tile, or of a box
  double shared_memory = 0;  // bytes that a block takes
};
inline constexpr int kEstimateNumbers = 9;

// Devices whose runs can be estimated without them, by a part of their names: "H200" and others.
std::vector<DeviceInfo> known_devices();

// What float32 is multiplied in: itself; tf32, of 11 bits; or the sums of two tf32 numbers each, nearly float32.
enum class Precision : std::uint32_t { highest, tf32, split };

// What runs of `batch` items would take on a device. Needs no device.
Status estimate(const double* words, std::size_t count, Dtype dtype, Precision precision, const DeviceInfo& device,
                std::int64_t batch, Estimate& fused, Estimate& staged) noexcept;

struct LoadOptions {
  int device = 0;
  Mode mode = Mode::automatic;
  // Memory of the device that the operands and the scratch of a call may take, in bytes; a larger batch is cut.
  std::int64_t memory = std::int64_t(1) << 30;
  Precision precision = Precision::highest;
};

// Memory of a device that this process has taken, in bytes.
struct MemoryUse {
  std::int64_t used = 0;             // by arrays, loaded programs, and runs in flight
  std::int64_t kept = 0;             // given back, and kept for the next
  std::int64_t peak = 0;             // the most that was used at one time
  std::int64_t limit = 0;            // of both; 0: none
  std::int64_t free = 0, total = 0;  // of the device, whoever else uses it
};
Status memory_use(int device, MemoryUse& use) noexcept;
// 0: no limit. What is used already stays.
void limit_memory(int device, std::int64_t bytes);
// The most that is kept, of each device and of pinned memory: all that comes back, or BRAUER_CUDA_CACHE, where nobody
// says.
void keep_memory(std::int64_t bytes);
// Gives the device what is kept, and pinned memory.
void drop_memory(int device);

// Memory of a device, which it gets back with the last reference.
class DeviceArray {
 public:
  DeviceArray(int device, void* data, std::int64_t bytes) : device_(device), data_(data), bytes_(bytes) {}
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray();  // no work in flight may use it

  int device() const { return device_; }
  void* data() const { return data_; }  // aligned to 256 bytes; null where there are none
  std::int64_t bytes() const { return bytes_; }

 private:
  int device_;
  void* data_;
  std::int64_t bytes_;
};

// Contents undefined. Null with a status when the device cannot be used or has no room.
std::shared_ptr<const DeviceArray> make_array(int device, std::int64_t bytes, Status& status) noexcept;

// Moves elements of so many bytes between the host and a device, or within it: an executable with one input and one
// output of as many items as a run is given.
std::unique_ptr<Executable> make_copier(int device, int element_bytes, Status& status) noexcept;

// Moves rows of elements from some arrays of a device to others, which all lie there, in one run of one item. copier:
// what make_copier gave, whose device, elements and streams these are. words, all of them integers:
//   clears (1: outputs are zero but for the rows), inputs, outputs, the elements of each of these, then for each move
//   spread, packed (two operands), row (elements), items, rows (counts), an offset for each item, one for each row:
// row r of item i lies at packed[(i·rows + r)·row] and at spread[offset of i + offset of r]. One of the two operands is
// an input and the other an output; no two rows of an output have elements in common.
std::unique_ptr<Executable> make_mover(const Executable& copier, const double* words, std::size_t count,
                                       Status& status) noexcept;

struct Stream;  // of cuda/device.h

// A run whose operands lie in memory of the device, with all that it needs there beside them: it can be enqueued any
// number of times, and each time takes the host no more than its launches.
class DeviceRun {
 public:
  virtual ~DeviceRun() = default;  // none of its runs may be in flight

  // Puts one run on the stream it was made for.
  virtual Status enqueue() const = 0;
};

// A program loaded for a device.
class DeviceProgram : public Executable {
 public:
  // operands: as for `run`, in memory of the device, aligned to 16 bytes. Program, operands and stream must outlive the
  // result. Null with a status when the device has no room.
  virtual std::unique_ptr<DeviceRun> bind(std::int64_t batch, void* const* operands, Stream* stream,
                                          Status& status) const noexcept = 0;
};

// Decodes, verifies and compiles a program for a device. Null with a status when it is refused, or the device cannot be
// used or has no room.
std::unique_ptr<DeviceProgram> load(const double* words, std::size_t count, Dtype dtype, const LoadOptions& options,
                                    Status& status) noexcept;

}  // namespace brauer::cuda
