/// What the Redis journal counts beside journal/counters.h. Written by its thread, read by any.
#pragma once

#include "gateway/base/counters.h"

namespace sluice::redis {

struct Counters {
  Gauge links;          ///< Up, of four.
  Counter connects;     ///< Links that came up.
  Counter losses;       ///< Links that were lost, and tries that failed.
  Counter moves;        ///< Times that the history was found at another server than before.
  Counter oversized;    ///< Answers that were larger than may be, and cost the link.
  Counter followed;     ///< Events taken from the stream.
  Counter calls;        ///< Of the script, to append.
  Counter again;        ///< Of these, repeated because it was not known what became of them.
  Counter unknown;      ///< Publish requests of which it could not be said whether they were kept.
  Counter unconfirmed;  ///< Publish requests that too few replicas said in time to have.
  Counter foreign;      ///< Entries seen in the stream that the script did not write.
  Counter damaged;      ///< Entries seen in the stream that are no event that could be shown.
  Counter breaks;       ///< Times that the history was found to be another one, or to have a hole.
  Counter fetches;      ///< Ranges read for history.
  Gauge instances;      ///< That share the stream, this one too.
  Counter orphans;      ///< Entries of instances that are gone, which fell to this one.
  Gauge untold;         ///< Revocations that Redis does not have yet.
  Counter held;         ///< Times that more was not read, as who follows had too much already.
  Counter unlisted;     ///< Entries of this one that could not be written at once.
};

}  // namespace sluice::redis
