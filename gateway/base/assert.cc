#include "gateway/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace sluice {

void assert_failed(const char* condition, const char* sentence, const char* file,
                   int line) noexcept {
  std::fprintf(stderr, "sluice: bug: %s (%s) at %s:%d\n", sentence, condition, file, line);
  std::abort();
}

}  // namespace sluice
