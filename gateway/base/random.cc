#include "gateway/base/random.h"

#include <random>
#include <sys/random.h>

#include "gateway/base/assert.h"

namespace sluice {

Millis jitter(Millis low, Millis high) {
  if (high <= low) return low;
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return Millis(std::uniform_int_distribution<Millis::rep>(low.count(), high.count())(generator));
}

std::string secret_bytes(std::size_t n) {
  std::string bytes(n, '\0');
  std::size_t done = 0;
  while (done < n) {
    const ssize_t got = ::getrandom(bytes.data() + done, n - done, 0);
    SLUICE_ASSERT(got > 0, "the operating system gave no random bytes");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace sluice
