#include "cuda/kernels/kernels.h"
#include "cuda/kernels/run.h"

/* A section of a program, box by box, for items that are larger than shared memory. A team of a few warps takes a box
   of an item: rows, products and the transform back stay in its arena in shared memory; x is read and y written, with
   all that is added to it, once. Boxes are closed under the permutations of the strands, so no two teams write one
   element. */
namespace brauer::cuda {
namespace {

template <class T>
BRAUER_KERNEL(kFusedThreads, 2)
void boxed(BoxedArguments<T> a) {
  const std::uint32_t thread = std::uint32_t(thread_index());
  const std::uint32_t in_block = uniform(thread / a.threads);
  const Team team{thread - in_block * a.threads, a.threads, 1};
  const int barrier = int(in_block) + 1, threads = int(a.threads);
  const std::int64_t number = block_index() * a.teams + in_block, teams = block_count() * a.teams;

  const std::uint32_t views_bytes = (a.buffer_count * std::uint32_t(sizeof(View<T>)) + 15) / 16 * 16;
  char* const own = shared_memory() + in_block * (views_bytes + a.arena * std::int64_t(sizeof(T)));
  auto* const views = reinterpret_cast<View<T>*>(own);
  T* const arena = reinterpret_cast<T*>(own + views_bytes);
  for (std::uint32_t b = team.rank; b < a.buffer_count; b += team.size)
    views[b] = a.offsets[b] < 0 ? a.views[b] : View<T>{arena + a.offsets[b], 0, 0};
  sync_group(barrier, threads);

  const CodeTables* const code = a.code;
  const SectionCode section = table<SectionCode>(code, code->sections)[a.section];
  const std::int32_t* const boxes = table<std::int32_t>(code, code->numbers) + section.boxes;
  const OpCode* const ops = table<OpCode>(code, code->ops);
  const std::uint32_t first = uniform(section.first), end = uniform(section.end), count = uniform(section.box_count);
  const std::int64_t jobs = std::int64_t(count) * a.items;
  for (std::int64_t job = number - a.turn + (number < a.turn ? teams : 0); job < jobs; job += teams) {
    const auto item = std::uint32_t(job / count);
    const std::int32_t* const box = boxes + (job - std::int64_t(item) * count) * (1 + section.orbits);
    const ShapeCode* const shape = table<ShapeCode>(code, code->shapes) + section.shapes + box[0];
    const Step<T> step{code, views, a.constants, item, 1, std::uint32_t(number), a.precision, shape, box + 1};
    Turns turns(team);
    for (std::uint32_t i = first; i < end; i++) {
      if (uniform(ops[i].barrier) && i > first) sync_group(barrier, threads), turns.start();
      turns.took(run_op<T, Space::box>(step, ops[i], turns.next(1)));
    }
    sync_group(barrier, threads);
  }
}

}  // namespace

template <class T>
Kernel boxed_kernel() {
  return kernel_of("boxed", boxed<T>);
}

template Kernel boxed_kernel<float>();
template Kernel boxed_kernel<double>();

}  // namespace brauer::cuda
