/// What an EventFilter promises, checked for one stream, cut and interrupted in one way.
///
/// For the unit test, which cuts everywhere, and for the fuzz target.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/assert.h"
#include "gateway/relay/event_filter.h"
#include "tests/sse/reference_parser.h"

namespace sluice::relay {

constexpr std::uint64_t kMinRetry = 1'000;
constexpr std::uint64_t kMaxRetry = 3'600'000;
inline const RetryBounds kBounds{Millis(kMinRetry), Millis(kMaxRetry)};

/// What a client must see of `stream`.
inline sse::Interpretation expected_of(std::string_view stream) {
  sse::Interpretation expected = sse::interpret(stream);
  for (auto& retry : expected.retries) retry = std::clamp(retry, kMinRetry, kMaxRetry);
  return expected;
}

/// Filters `stream` in pieces, with heartbeats at every boundary between two of them. `next_piece`
/// gives the length of the next piece, at least 1.
template <class NextPiece>
void check_filter(std::string_view stream, HeartbeatForm form, NextPiece next_piece) {
  EventFilter filter;
  std::string out = ":\n";  // The gateway's own beginning.
  std::size_t heartbeats = 0;
  std::size_t read = 0;
  while (true) {
    if (filter.at_boundary()) {
      SLUICE_ASSERT(sse::interpret(out).is_whole, "no boundary, but told as one");
      filter.heartbeat(form, "alive", out);
      ++heartbeats;
    } else if (stream.substr(0, read) != "\xef" && stream.substr(0, read) != "\xef\xbb") {
      SLUICE_ASSERT(!sse::interpret(stream.substr(0, read)).is_whole, "a boundary was not told");
    }
    if (read == stream.size()) break;
    const std::string_view piece = stream.substr(read, next_piece());
    filter.feed(piece, kBounds, out);
    read += piece.size();
  }
  filter.finish(kBounds, out);

  sse::Interpretation seen = sse::interpret(out);
  sse::Interpretation expected = expected_of(stream);
  if (form == HeartbeatForm::block) expected.blank_lines += heartbeats;
  expected.is_whole = seen.is_whole = true;  // Of a partial byte order mark only the filter knows.
  SLUICE_ASSERT(seen == expected, "a client sees something else behind the filter");
}

/// A drain: the stream ends at the first boundary behind its first `begun` bytes.
template <class NextPiece>
void check_drain(std::string_view stream, std::size_t begun, NextPiece next_piece) {
  EventFilter filter;
  std::string out = ":\n";
  filter.feed(stream.substr(0, begun), kBounds, out);
  std::size_t read = std::min(begun, stream.size());
  while (read < stream.size() && !filter.at_boundary()) {
    const std::string_view piece = stream.substr(read, next_piece());
    const std::size_t taken = filter.feed_to_boundary(piece, kBounds, out);
    SLUICE_ASSERT(taken == piece.size() || filter.at_boundary(), "it stopped inside an event");
    read += taken;
  }
  if (!filter.at_boundary()) return;
  SLUICE_ASSERT(sse::interpret(out).is_whole, "the stream was cut inside an event");
  const auto expected = expected_of(stream.substr(0, read));
  SLUICE_ASSERT(sse::interpret(out) == expected, "a drained client sees something else");
}

}  // namespace sluice::relay
