#include "base/sha256.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sandpit {
namespace {

constexpr std::size_t kBlockSize = 64;
constexpr std::size_t kRounds = 64;
constexpr std::size_t kLengthSize = 8;

// FIPS 180-4, 4.2.2: the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, kRounds> kRoundConstants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using State = std::array<std::uint32_t, 8>;

// 5.3.3: the fractional parts of the square roots of the first 8 primes.
constexpr State kInitialState = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

std::uint32_t byte_at(std::string_view data, std::size_t index) {
  return static_cast<unsigned char>(data[index]);
}

void add_block(State& state, std::string_view block) {
  std::array<std::uint32_t, kRounds> schedule{};
  for (std::size_t i = 0; i < 16; ++i) {
    schedule.at(i) = byte_at(block, 4 * i) << 24U | byte_at(block, 4 * i + 1) << 16U |
                     byte_at(block, 4 * i + 2) << 8U | byte_at(block, 4 * i + 3);
  }
  for (std::size_t i = 16; i < kRounds; ++i) {
    const std::uint32_t near = schedule.at(i - 15);
    const std::uint32_t far = schedule.at(i - 2);
    const std::uint32_t sigma0 = std::rotr(near, 7) ^ std::rotr(near, 18) ^ near >> 3U;
    const std::uint32_t sigma1 = std::rotr(far, 17) ^ std::rotr(far, 19) ^ far >> 10U;
    schedule.at(i) = schedule.at(i - 16) + sigma0 + schedule.at(i - 7) + sigma1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t i = 0; i < kRounds; ++i) {
    const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t choice = (e & f) ^ (~e & g);
    const std::uint32_t first = h + sum1 + choice + kRoundConstants.at(i) + schedule.at(i);
    const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + sum0 + majority;
  }
  const State change = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state.size(); ++i) state.at(i) += change.at(i);
}

}  // namespace

std::string sha256_hex(std::string_view data) {
  State state = kInitialState;
  std::string_view rest = data;
  while (rest.size() >= kBlockSize) {
    add_block(state, rest.substr(0, kBlockSize));
    rest.remove_prefix(kBlockSize);
  }
  // 5.1.1: a one bit, zeros, and the length in bits, up to the end of a block.
  std::string tail(rest);
  tail.push_back('\x80');
  while (tail.size() % kBlockSize != kBlockSize - kLengthSize) tail.push_back('\0');
  const std::uint64_t bits = std::uint64_t{data.size()} * 8;
  for (unsigned shift = 64; shift != 0;) {
    shift -= 8;
    tail.push_back(static_cast<char>(bits >> shift & 0xffU));
  }
  for (std::size_t at = 0; at < tail.size(); at += kBlockSize) {
    add_block(state, std::string_view(tail).substr(at, kBlockSize));
  }
  std::string hex;
  for (const std::uint32_t word : state) hex += fmt::format("{:08x}", word);
  return hex;
}

}  // namespace sandpit
