/// SLUICE_ASSERT(condition, "sentence"): our own bug; prints the sentence and aborts, in every
/// build.
#pragma once

namespace sluice {
[[noreturn]] void assert_failed(const char* condition, const char* sentence, const char* file,
                                int line) noexcept;
}  // namespace sluice

#define SLUICE_ASSERT(condition, sentence) \
  (static_cast<bool>(condition)            \
       ? static_cast<void>(0)              \
       : ::sluice::assert_failed(#condition, (sentence), __FILE__, __LINE__))
