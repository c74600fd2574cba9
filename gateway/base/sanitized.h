/// Whether a sanitizer watches, and which: malloc is its own then.
///
/// The address sanitizer's watches every block of memory: what lends and keeps blocks lets each be
/// one of malloc's then, so that its end is seen.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_POISONS 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define SLUICE_WATCHES_THREADS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_WATCHES_THREADS 1
#endif
#endif

namespace sluice {

#ifdef SLUICE_POISONS
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

#ifdef SLUICE_WATCHES_THREADS
inline constexpr bool kIsThreadSanitized = true;
#else
inline constexpr bool kIsThreadSanitized = false;
#endif

}  // namespace sluice
