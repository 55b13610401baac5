#pragma once

#include <array>
#include <memory>
#include <string>

#include "core/blas.h"
#include "cpu/code.h"

// Products by a cblas that is installed: opened at run time, never linked.
namespace brauer {

template <class T>
using CblasGemm = void(int order, int transpose_a, int transpose_b, int m, int n, int k, T alpha, const T* a, int lda,
                       const T* b, int ldb, T beta, T* c, int ldc);

struct BlasLibrary {
  std::string name;
  CblasGemm<float>* sgemm = nullptr;
  CblasGemm<double>* dgemm = nullptr;
  // Set the threads of a library for the thread that calls, where it can.
  int (*set_threads)(int) = nullptr;
  void (*set_blis_threads)(std::int64_t) = nullptr;
};

// Null, and what was found instead, where the name gives no library with 32-bit sizes that has both functions. What has
// been opened stays open.
std::unique_ptr<const BlasLibrary> open_blas(const std::string& name, std::string& found);

// How rows are multiplied by a matrix [inner, cols] in calls of a few fixed sizes, all of which give a row the same
// bits in every place.
//
// A run may put a row of an item anywhere: batches are merged, cut into tiles and boxes, and split over threads, and
// its bits must not tell. BLAS promises nothing of the kind. In general the order in which a library sums a row may
// depend on the shape of the call, on the row's place in it, on strides and on alignment, though not on the numbers.
// On x86 OpenBLAS packs both operands and has one thread here, which leaves the shape and the place: edges have kernels
// of their own, small products others; and in its AVX2 kernel for float32 rows 0 to 5 and 6 to 11 of every twelve
// differ even inside. Hence fixed sizes, and before first use a trial: a random row in every place, at several strides
// and alignments, added and not, must give the same bits everywhere. Two orders of sums hardly ever agree on many
// random numbers. A shape that fails is left to our own kernels, for every run of the process.
struct BlasPlan {
  const BlasLibrary* library = nullptr;
  Index inner = 0, cols = 0;
  std::array<Index, 3> sizes{};  // rows of a call, largest first, then zeros

  // Elements that `blas_rows` needs to work in.
  Index room() const { return sizes[0] * (inner + cols); }
};

// False where the library fails the trial. Throws std::bad_alloc.
template <class T>
bool plan_blas_rows(const BlasLibrary& library, Index inner, Index cols, BlasPlan& plan);

// y (+)= x·b for `rows` rows; strides of at least inner and cols, of 32 bits. room: plan.room() elements, aligned to a
// cache line.
template <class T>
void blas_rows(const BlasPlan& plan, const T* x, Index x_row, const T* b, Index b_row, T* y, Index y_row, Index rows,
               bool set, T* room);

// Elements of the largest matrix that is tried: with more, a trial would take long, and so would a call that a
// cancelled run has to wait for.
inline constexpr Index kMostBlasElements = Index(1) << 20;

// The library in use; under BRAUER_BLAS=auto the first usual one, opened to be measured. Null for none.
const BlasLibrary* installed_blas();

// The plan of a shape, tried once per process; null where the library fails. Throws std::bad_alloc.
template <class T>
const BlasPlan* find_blas_plan(const BlasLibrary& library, Index inner, Index cols);

// Chooses the library for products of a program, once for all runs of it. Throws std::bad_alloc.
template <class T>
void plan_blas(Compiled& code);

}  // namespace brauer
