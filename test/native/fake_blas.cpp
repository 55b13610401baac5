// A small cblas for tests. Sums of a row run from the first product to the last; at the edges of a call, and where
// FAKE_BLAS says so, from the last to the first, as real libraries change their order. FAKE_BLAS is one of
//   places     rows 6 to 11 of every twelve run backwards, as in the AVX2 kernel of OpenBLAS
//   sizes      calls of fewer than 256 rows run backwards
//   alignment  rows run backwards when x does not start at a cache line
//   adding     sums that are added to y run backwards in rows of odd number
//   wide       it claims sizes of 64 bits
//   spoiled    results are no numbers
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(_WIN32)
#define EXPORT extern "C" __declspec(dllexport)
#else
#define EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace {

constexpr int kRowMajor = 101, kNoTranspose = 111, kRowsOfKernel = 16;

thread_local int threads = 0;

bool is(const char* mode) {
  const char* const text = std::getenv("FAKE_BLAS");
  return text && std::strcmp(text, mode) == 0;
}

template <class T>
bool runs_backwards(int m, int row, const T* x, T beta) {
  if (is("places")) return row % 12 >= 6;
  if (is("sizes") && m < 256) return true;
  if (is("alignment")) return reinterpret_cast<std::uintptr_t>(x) % 64 != 0;
  if (is("adding") && beta != T(0)) return row % 2 == 1;
  return row >= m - m % kRowsOfKernel;
}

template <class T>
void gemm(int order, int transpose_a, int transpose_b, int m, int n, int k, T alpha, const T* a, int lda, const T* b,
          int ldb, T beta, T* c, int ldc) {
  // What is not asked of it, and threads of its own, spoil the result.
  const bool spoiled = order != kRowMajor || transpose_a != kNoTranspose || transpose_b != kNoTranspose || lda < k ||
                       ldb < n || ldc < n || threads != 1 || is("spoiled");
  for (int r = 0; r < m; r++) {
    const bool backwards = runs_backwards(m, r, a, beta);
    for (int j = 0; j < n; j++) {
      T sum = 0;
      for (int i = 0; i < k; i++) {
        const std::ptrdiff_t at = backwards ? k - 1 - i : i;
        sum += a[std::ptrdiff_t(r) * lda + at] * b[at * ldb + j];
      }
      T& out = c[std::ptrdiff_t(r) * ldc + j];
      out = spoiled ? T(NAN) : alpha * sum + (beta == T(0) ? T(0) : beta * out);
    }
  }
}

}  // namespace

EXPORT void cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float* a,
                        int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  gemm(order, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

#if !defined(FAKE_BLAS_WITHOUT_DGEMM)
EXPORT void cblas_dgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha, const double* a,
                        int lda, const double* b, int ldb, double beta, double* c, int ldc) {
  gemm(order, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
#endif

EXPORT int openblas_set_num_threads_local(int count) {
  const int before = threads;
  threads = count;
  return before;
}

EXPORT const char* openblas_get_config() {
  return is("wide") ? "FakeBLAS 1.2.3 USE64BITINT MAX_THREADS=1" : "FakeBLAS 1.2.3 MAX_THREADS=1";
}

EXPORT const char* openblas_get_corename() { return "none"; }
