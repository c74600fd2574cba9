/// Whether a sanitizer watches every block of memory: what lends and keeps blocks lets each be one
/// of malloc's then, so that its end is seen.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_POISONS 1
#endif
#endif

namespace sluice {

#ifdef SLUICE_POISONS
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace sluice
