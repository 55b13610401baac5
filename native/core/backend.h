#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/status.h"

// What bindings see of the native side. Nothing here throws; all of it may be called from any thread.
namespace brauer {

// One operand of a run. Operands stand in this order: the program's inputs, then its outputs, each in program order.
struct Operand {
  bool output;
  bool shared;  // once per call (`size` elements); otherwise `size` elements for each batch item, items back to back
  std::int64_t size;  // elements
  int element_bytes;  // item operands have the storage type, shared ones the compute type (float32 for 16-bit storage)
};

// What a run does, by kinds of work whose times a machine's constants tell (lib/backends/calibration.ts): on the thread
// that does the most of it.
struct WorkCounts {
  double calls;       // runs
  double wakes;       // runs that wake other threads
  double steps;       // instructions begun
  double products;    // vectors multiplied and added in channel products
  double sums;        // vectors of sums that products write
  double moves;       // vectors that downs, ups and copies touch
  double rows;        // vectors that the transforms over strands read and write
  double transforms;  // vectors multiplied and added there
  double runs;        // runs of neighbouring multi-indices there
  double bytes;       // to and from buffers of an item that exceed a tile, of all threads together
};
inline constexpr int kWorkKinds = 10;

// A program loaded for one storage type. Immutable: many runs of one executable may be in flight at once.
class Executable {
 public:
  virtual ~Executable() = default;

  std::size_t operand_count() const { return operands_.size(); }
  const Operand& operand(std::size_t index) const { return operands_[index]; }

  // Runs the program over `batch` >= 0 items. operands[i] points to batch·size (item) or size (shared) elements,
  // aligned to the element; a pointer to zero elements may be null. Outputs overlap no other operand; the caller
  // answers for both. threads: the most to use, the calling one included; 0: the default count. cancel may be null;
  // once it is true the run stops within milliseconds with `aborted`, its outputs then being undefined.
  virtual Status run(std::int64_t batch, void* const* operands, int threads, const std::atomic<bool>* cancel) const = 0;

  // The device in whose memory operands may lie too; -1 for none.
  virtual int device() const { return -1; }

  // `run` with the operands for which `resident` is true in memory of the device, aligned to 16 bytes.
  virtual Status run_resident(std::int64_t, void* const*, const bool*, const std::atomic<bool>*) const {
    return Status::error(Code::internal, "run: expected operands on the host, received some on a device");
  }

  // What a run of so many items would do.
  virtual WorkCounts work(std::int64_t batch, int threads) const = 0;

 protected:
  std::vector<Operand> operands_;
};

// Decodes, verifies and compiles a program for runs of about `expected_batch` items. Null with a status when it is
// refused. The words are not kept.
std::unique_ptr<Executable> load(const double* words, std::size_t count, Dtype dtype, std::int64_t expected_batch,
                                 Status& status) noexcept;

struct Isa {
  const char* name;
  bool available;  // this machine and its operating system have it
};

struct CpuInfo {
  std::string cpu;        // brand string of the processor
  std::string isa;        // the instruction set in use
  std::vector<Isa> isas;  // all that are compiled in, best first
  // Set when BRAUER_CPU_ISA, BRAUER_NUM_THREADS or BRAUER_BLAS cannot be met; every load then fails with it.
  std::string error;
  int threads;           // default count of a run
  std::int64_t l2, llc;  // bytes of one core's L2 cache and of the last-level cache
  std::int64_t tile_bytes;
};

// Facts of the machine and the environment, read once per process.
const CpuInfo& cpu_info();

}  // namespace brauer
