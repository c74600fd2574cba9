/// Options of the file journal. Filled by the server; a plain value.
#pragma once

#include <cstddef>
#include <string>

#include "gateway/base/units.h"
#include "gateway/journal/repeats.h"
#include "gateway/journal/retention.h"

namespace sluice::journal {

/// When what was appended is on the disk for certain, even when the power fails.
enum class Sync {
  always,    ///< Before the publisher is answered.
  interval,  ///< At most FileOptions::sync_interval later.
  never,     ///< When the operating system likes. The end of the process alone loses nothing.
};

struct FileOptions {
  std::string path;          ///< A folder of its own; made when it is not there.
  Retention retention = {};  ///< Of all events.
  RetentionOf retention_of = {};
  RepeatOptions repeats = {};
  Sync sync = Sync::always;
  Millis sync_interval{100};
  std::size_t cache_bytes = 32_MiB;  ///< Of events that were read, in memory.

  std::size_t queue_events = 65'536;  ///< Drafts that wait to be written …
  std::size_t queue_bytes = 64_MiB;   ///< … past either, append() is Errc::limit.
  std::size_t group_events = 1024;    ///< Written in one transaction: no more batches are taken …
  std::size_t group_bytes = 4_MiB;    ///< … past either.
  std::size_t map_bytes = 0;          ///< Address space at first; it grows. 0: by retention.bytes.
  std::string boot_id = {};           ///< Names this run of the machine; empty: as Linux does.
  /// Topics that are known by name to miss something, because of a rule of their own. Past it,
  /// the oldest of what is missing is taken to be missing in all of them.
  std::size_t marks = 100'000;
};

}  // namespace sluice::journal
