#include "batch/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace sandpit::batch {

// Values below 32 have a bucket of their own; of a larger one its exponent and the five bits below
// the highest decide.
std::size_t Histogram::bucket_of(std::uint64_t value) {
  if (value < (1U << kBits)) return static_cast<std::size_t>(value);
  const auto width = static_cast<unsigned>(std::bit_width(value));
  const unsigned shift = width - 1 - kBits;
  const std::uint64_t fraction = (value >> shift) & ((1U << kBits) - 1);
  return ((std::size_t{shift} + 1) << kBits) + static_cast<std::size_t>(fraction);
}

std::uint64_t Histogram::highest_of(std::size_t bucket) {
  if (bucket < (1U << kBits)) return bucket;
  const auto shift = static_cast<unsigned>((bucket >> kBits) - 1);
  const std::uint64_t fraction = bucket & ((1U << kBits) - 1);
  const std::uint64_t lowest = ((std::uint64_t{1} << kBits) | fraction) << shift;
  return lowest + ((std::uint64_t{1} << shift) - 1);
}

void Histogram::add(std::uint64_t value) {
  ++buckets_[bucket_of(value)];
  ++count_;
  max_ = std::max(max_, value);
}

std::uint64_t Histogram::percentile(double fraction) const {
  if (count_ == 0) return 0;
  const double rank = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rank));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) return std::min(highest_of(bucket), max_);
  }
  return max_;
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    buckets_[bucket] += other.buckets_[bucket];
  }
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

}  // namespace sandpit::batch
