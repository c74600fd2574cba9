/// Journals: makes the journal that the configuration asks for.
///
/// Thread  main, before start.
#pragma once

#include <memory>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/journal/counters.h"
#include "gateway/journal/journal.h"
#include "gateway/redis/counters.h"
#include "gateway/server/config.h"

namespace sluice::server {

/// What journals count.
struct JournalCounters {
  journal::Counters journal;
  redis::Counters redis;
};

/// `clock` and `counters` outlive it. Fails with a sentence that says what to do.
Result<std::unique_ptr<journal::Journal>> make_journal(const Config& config, const Clock& clock,
                                                       JournalCounters& counters);

/// Whether a history could be kept there, as far as can be seen without making anything.
Result<void> check_history_folder(const std::string& path);

}  // namespace sluice::server
