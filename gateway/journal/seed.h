/// A seed for hashes that nobody outside may foresee.
#pragma once

#include <cstdint>
#include <cstring>

#include "gateway/base/random.h"

namespace sluice::journal {

inline std::uint64_t make_seed() {
  std::uint64_t seed = 0;
  std::memcpy(&seed, secret_bytes(sizeof(seed)).data(), sizeof(seed));
  return seed;
}

}  // namespace sluice::journal
