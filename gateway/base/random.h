/// Randomness: jitter that need not be secret, and secrets that must be.
///
/// Thread  jitter(): any, each thread has its own generator. secret_bytes(): any.
#pragma once

#include <cstddef>
#include <string>

#include "gateway/base/units.h"

namespace sluice {

/// Uniform in [low, high].
Millis jitter(Millis low, Millis high);
/// `n` bytes from the operating system's generator, for keys and for names nobody must guess.
std::string secret_bytes(std::size_t n);

}  // namespace sluice
