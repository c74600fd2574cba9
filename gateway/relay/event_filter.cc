#include "gateway/relay/event_filter.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/base/assert.h"
#include "gateway/relay/heartbeat.h"
#include "gateway/sse/line_end.h"

namespace sluice::relay {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kRetry = "retry";

bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}

std::uint32_t to_number(Millis wait) {
  constexpr Millis::rep kMax = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<Millis::rep>(wait.count(), 0, kMax));
}

}  // namespace

/// One piece of the stream on its way: what stands before `at` is read, before `kept` passed on.
struct EventFilter::Run {
  std::string_view in;
  const RetryBounds& bounds;
  std::string& out;
  std::size_t at = 0;
  std::size_t kept = 0;

  [[nodiscard]] char byte() const { return in[at]; }
  /// Passes on what stands before `at`.
  void pass() {
    out.append(in, kept, at - kept);
    kept = at;
  }
  /// Takes one byte that does not pass.
  void hold() {
    pass();
    kept = ++at;
  }
};

RetryBounds::RetryBounds(Millis min_retry, Millis max_retry)
    : min(to_number(min_retry)), max(std::max(min, to_number(max_retry))) {}

void EventFilter::feed(std::string_view in, const RetryBounds& bounds, std::string& out) {
  run({.in = in, .bounds = bounds, .out = out}, false);
}

std::size_t EventFilter::feed_to_boundary(std::string_view in, const RetryBounds& bounds,
                                          std::string& out) {
  return run({.in = in, .bounds = bounds, .out = out}, true);
}

std::size_t EventFilter::run(Run run, bool stops) {
  while (run.at < run.in.size()) {
    if (stops && at_boundary() && !(after_cr_ && run.byte() == '\n')) break;
    step(run);
  }
  run.pass();
  return run.at;
}

void EventFilter::step(Run& run) {
  switch (place_) {
    case Place::bom:
      return step_bom(run);
    case Place::line_start:
      return step_line_start(run);
    case Place::name:
      return step_name(run);
    case Place::blank:
      place_ = Place::number;
      if (run.byte() == ' ') ++run.at;
      return;
    case Place::number:
      return step_number(run);
    case Place::comment:
    case Place::text:
      return step_to_line_end(run);
  }
}

void EventFilter::step_bom(Run& run) {
  if (run.byte() == kByteOrderMark[matched_]) {
    run.hold();
    if (++matched_ < kByteOrderMark.size()) return;
    place_ = Place::line_start;
  } else {
    // A part of one is text.
    run.out.append(kByteOrderMark, 0, matched_);
    place_ = matched_ > 0 ? Place::text : Place::line_start;
    in_event_ = matched_ > 0;
  }
  matched_ = 0;
}

void EventFilter::step_line_start(Run& run) {
  const char c = run.byte();
  const bool is_half = after_cr_ && c == '\n';
  after_cr_ = false;
  if (is_half) {
    if (drops_lf_) {
      run.hold();
    } else {
      ++run.at;
    }
  } else if (is_line_end(c)) {
    if (in_event_ && events_ != std::numeric_limits<std::uint32_t>::max()) ++events_;
    in_event_ = false;
    end_line(run);
  } else if (c == ':') {
    place_ = Place::comment;
    ++run.at;
  } else {
    in_event_ = true;
    matched_ = 0;
    place_ = c == kRetry.front() ? Place::name : Place::text;
  }
  drops_lf_ = false;
}

void EventFilter::step_name(Run& run) {
  if (matched_ < kRetry.size() && run.byte() == kRetry[matched_]) {
    ++matched_;
    ++run.at;
  } else if (matched_ == kRetry.size() && run.byte() == ':') {
    place_ = Place::blank;
    ++run.at;
  } else {
    place_ = Place::text;
  }
}

void EventFilter::step_number(Run& run) {
  const char c = run.byte();
  if (c == '0' && !has_digits_) {
    has_zeros_ = true;
    ++run.at;
    return;
  }
  if (is_digit(c)) {
    // Past 64 bits it stays at the most: too large, whatever follows.
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value_ = value_ > (kMost - digit) / 10 ? kMost : value_ * 10 + digit;
    has_digits_ = true;
    run.hold();
    return;
  }
  run.pass();
  if (is_line_end(c)) clamp_number(run.bounds);
  put_number(run.out);
  place_ = Place::text;
}

void EventFilter::clamp_number(const RetryBounds& bounds) {
  if (!has_digits_ && !has_zeros_) return;
  value_ = std::clamp<std::uint64_t>(value_, bounds.min, bounds.max);
  has_digits_ = value_ > 0;
}

void EventFilter::put_number(std::string& out) {
  if (has_digits_) fmt::format_to(std::back_inserter(out), "{}", value_);
  value_ = 0;
  has_digits_ = false;
  has_zeros_ = false;
}

void EventFilter::step_to_line_end(Run& run) {
  const std::size_t length = sse::find_line_end(run.in.substr(run.at));
  if (length == std::string_view::npos) {
    run.at = run.in.size();
    return;
  }
  run.at += length;
  end_line(run);
}

void EventFilter::end_line(Run& run) {
  after_cr_ = run.byte() == '\r';
  place_ = Place::line_start;
  ++run.at;
}

void EventFilter::finish(const RetryBounds& bounds, std::string& out) {
  if (place_ == Place::bom) out.append(kByteOrderMark, 0, matched_);
  clamp_number(bounds);  // Whoever ends the line behind it gets no other number.
  put_number(out);
}

void EventFilter::heartbeat(HeartbeatForm form, std::string_view event, std::string& out) {
  SLUICE_ASSERT(at_boundary(), "a heartbeat inside an event");
  if (form == HeartbeatForm::off) return;
  append_heartbeat(form, event, out);
  drops_lf_ = after_cr_;
}

}  // namespace sluice::relay
