// Percentiles of any number of values in 15 KiB: buckets on a logarithmic scale, each at most 1/32
// of its value wide. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sandpit::batch {

class Histogram {
 public:
  void add(std::uint64_t value);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  // The smallest value that at least `fraction` of all values do not exceed, too high by at most
  // 1/32 of it; 0 when there are none. `fraction` from 0 to 1.
  [[nodiscard]] std::uint64_t percentile(double fraction) const;
  void merge(const Histogram& other);

 private:
  static constexpr unsigned kBits = 5;  // 32 buckets for each power of two
  static constexpr std::size_t kBuckets = (64 - kBits + 1) << kBits;

  [[nodiscard]] static std::size_t bucket_of(std::uint64_t value);
  [[nodiscard]] static std::uint64_t highest_of(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace sandpit::batch
