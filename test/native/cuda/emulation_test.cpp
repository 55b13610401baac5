// The emulated device runs correct kernels right, whatever the order of blocks and threads.
#include <vector>

#include "cuda/fixture.h"

using namespace brauer;
using namespace brauer::cuda;

namespace {

struct Add {
  const float *a, *b;
  float* sum;
  std::int64_t count;
};
BRAUER_KERNEL(64, 1) void add(Add p) {
  const std::int64_t i = block_index() * thread_count() + thread_index();
  if (i < p.count) p.sum[i] = p.a[i] + p.b[i];
}

void vectors() {
  const std::size_t n = 5000;
  std::vector<float> a(n), b(n);
  for (std::size_t i = 0; i < n; i++) a[i] = float(i), b[i] = float(2 * i);
  const Buffer<float> da(a), db(b), sum(n);
  if (!runs("add", add, {(n + 63) / 64, 64, 0}, Add{da.data, db.data, sum.data, std::int64_t(n)})) return;
  const auto got = sum.read();
  bool right = true;
  for (std::size_t i = 0; i < n; i++) right = right && got[i] == float(3 * i);
  CHECK(right);
}

struct Reduce {
  const int* in;
  int* out;
};
BRAUER_KERNEL(256, 1) void reduce(Reduce p) {
  int* shared = reinterpret_cast<int*>(shared_memory());
  const int t = thread_index();
  shared[t] = p.in[block_index() * thread_count() + t];
  sync_block();
  for (int half = thread_count() / 2; half > 0; half /= 2) {
    if (t < half) shared[t] += shared[t + half];
    sync_block();
  }
  if (t == 0) p.out[block_index()] = shared[0];
}

void reductions() {
  for (const int threads : {32, 256, 1024}) {
    const std::int64_t blocks = 7;
    std::vector<int> in(std::size_t(blocks * threads));
    std::vector<int> sums(std::size_t(blocks), 0);
    for (std::size_t i = 0; i < in.size(); i++) sums[i / std::size_t(threads)] += in[i] = int(i % 1013);
    const Buffer<int> din(in), out(sums.size());
    if (runs("reduce", reduce, {blocks, threads, std::size_t(threads) * 4}, Reduce{din.data, out.data}))
      CHECK(out.read() == sums);
  }
}

// Each group of two warps sums on its own, as often as its number says, so that groups are at different rounds.
BRAUER_KERNEL(256, 1) void groups(Reduce p) {
  const int t = thread_index(), group = t / 64, in_group = t % 64;
  int* shared = reinterpret_cast<int*>(shared_memory()) + group * 64;
  int sum = 0;
  for (int round = 0; round <= group; round++) {
    shared[in_group] = p.in[t] + round;
    sync_group(1 + group, 64);
    sum += shared[63 - in_group];
    sync_group(1 + group, 64);
  }
  p.out[t] = sum;
}

void named_barriers() {
  std::vector<int> in(256), wanted(256);
  for (int i = 0; i < 256; i++) in[std::size_t(i)] = i * i;
  for (int i = 0; i < 256; i++) {
    const int group = i / 64, other = group * 64 + 63 - i % 64;
    for (int round = 0; round <= group; round++) wanted[std::size_t(i)] += in[std::size_t(other)] + round;
  }
  const Buffer<int> din(in), out(256);
  if (runs("groups", groups, {1, 256, 1024}, Reduce{din.data, out.data})) CHECK(out.read() == wanted);
}

struct Shuffles {
  double* doubles;
  int* ints;
  std::uint32_t* votes;
};
BRAUER_KERNEL(64, 1) void shuffles(Shuffles p) {
  const int t = thread_index(), lane = t % 32;
  double d = t + 0.5;
  for (int mask = 16; mask > 0; mask /= 2) d += shuffle_xor(d, mask);
  p.doubles[t] = d;
  p.ints[t] = shuffle(t * 3, (lane + 5) % 32);
  p.votes[t] = ballot(t % 3 == 0);
  int* shared = reinterpret_cast<int*>(shared_memory());
  shared[t] = t;
  sync_warp();
  p.ints[t] += 1000 * shared[t ^ 1];
}

void warps() {
  const Buffer<double> doubles(64);
  const Buffer<int> ints(64);
  const Buffer<std::uint32_t> votes(64);
  if (!runs("shuffles", shuffles, {1, 64, 256}, Shuffles{doubles.data, ints.data, votes.data})) return;
  const auto d = doubles.read();
  const auto i = ints.read();
  const auto v = votes.read();
  bool right = true;
  for (int t = 0; t < 64; t++) {
    const int first = t / 32 * 32;
    std::uint32_t vote = 0;
    for (int lane = 0; lane < 32; lane++) vote |= std::uint32_t((first + lane) % 3 == 0) << lane;
    right = right && d[std::size_t(t)] == 32 * first + 16 * 31 + 16 && v[std::size_t(t)] == vote &&
            i[std::size_t(t)] == 3 * (first + (t + 5) % 32) + 1000 * (t ^ 1);
  }
  CHECK(right);
}

// out[i] = 2·in[i], tiles of 128 floats through two buffers.
struct Stage {
  const float* in;
  float* out;
  int tiles;
};
BRAUER_KERNEL(32, 1) void stage(Stage p) {
  float* shared = reinterpret_cast<float*>(shared_memory());
  const int t = thread_index();
  copy_async<16>(shared + 4 * t, p.in + 4 * t);
  copy_async_commit();
  for (int tile = 0; tile < p.tiles; tile++) {
    float* now = shared + tile % 2 * 128;
    if (tile + 1 < p.tiles) copy_async<16>(shared + (tile + 1) % 2 * 128 + 4 * t, p.in + (tile + 1) * 128 + 4 * t);
    copy_async_commit();
    copy_async_wait<1>();
    sync_block();
    for (int i = 0; i < 4; i++) p.out[tile * 128 + i * 32 + t] = 2 * now[i * 32 + t];
    sync_block();
  }
}

void async_copies() {
  std::vector<float> in(128 * 9), wanted;
  for (std::size_t i = 0; i < in.size(); i++) in[i] = float(i);
  for (const float x : in) wanted.push_back(2 * x);
  const Buffer<float> din(in), out(in.size());
  if (runs("stage", stage, {1, 32, 1024}, Stage{din.data, out.data, 9})) CHECK(out.read() == wanted);
}

// One warp, a 16 x 16 and b 16 x 8, row-major; bits of 16 or, in steps of 8, tf32.
struct Product {
  const float *a, *b;
  float* d;
  int kind;
};
BRAUER_KERNEL(32, 1) void product(Product p) {
  const int g = thread_index() / 4, t = thread_index() % 4;
  float d[4] = {1, 2, 3, 4};
  const auto pack = [&](float low, float high) {
    return p.kind == 1 ? float_to_half(low) | std::uint32_t(float_to_half(high)) << 16
                       : float_to_bfloat16(low) | std::uint32_t(float_to_bfloat16(high)) << 16;
  };
  if (p.kind == 0) {
    for (int k = 0; k < 16; k += 8) {
      const float a[4] = {to_tf32(p.a[g * 16 + k + t]), to_tf32(p.a[(g + 8) * 16 + k + t]),
                          to_tf32(p.a[g * 16 + k + t + 4]), to_tf32(p.a[(g + 8) * 16 + k + t + 4])};
      const float b[2] = {to_tf32(p.b[(k + t) * 8 + g]), to_tf32(p.b[(k + t + 4) * 8 + g])};
      mma_tf32(d, a, b);
    }
  } else {
    const auto row = [&](int i, int k) { return pack(p.a[i * 16 + k], p.a[i * 16 + k + 1]); };
    const std::uint32_t a[4] = {row(g, 2 * t), row(g + 8, 2 * t), row(g, 2 * t + 8), row(g + 8, 2 * t + 8)};
    const std::uint32_t b[2] = {pack(p.b[2 * t * 8 + g], p.b[(2 * t + 1) * 8 + g]),
                                pack(p.b[(2 * t + 8) * 8 + g], p.b[(2 * t + 9) * 8 + g])};
    p.kind == 1 ? mma_f16(d, a, b) : mma_bf16(d, a, b);
  }
  const int rows[4] = {g, g, g + 8, g + 8};
  for (int e = 0; e < 4; e++) p.d[rows[e] * 8 + 2 * t + e % 2] = d[e];
}

void products() {
  std::vector<float> a(256), b(128);
  for (int i = 0; i < 256; i++) a[std::size_t(i)] = float(i * 37 % 61 - 30);
  for (int i = 0; i < 128; i++) b[std::size_t(i)] = float(i * 53 % 41 - 20);
  const Buffer<float> da(a), db(b), d(128);
  for (int kind = 0; kind < 3; kind++) {
    if (!runs("product", product, {1, 32, 0}, Product{da.data, db.data, d.data, kind})) continue;
    const auto got = d.read();
    bool right = true;
    for (int i = 0; i < 16; i++) {
      for (int j = 0; j < 8; j++) {
        float sum = float(1 + i / 8 * 2 + j % 2);
        for (int k = 0; k < 16; k++) sum += a[std::size_t(i * 16 + k)] * b[std::size_t(k * 8 + j)];
        right = right && got[std::size_t(i * 8 + j)] == sum;
      }
    }
    CHECK_WITH(right, std::to_string(kind));
  }
}

}  // namespace

int main() {
  emulation::with_all_settings(2, [](const emulation::Settings&) {
    CHECK(create_stream(0, stream).ok());
    vectors();
    reductions();
    named_barriers();
    warps();
    async_copies();
    products();
    destroy_stream(stream);
  });
  CHECK((emulation::live() == emulation::Live{0, 0, 0}));
  return check::finish();
}
