/// EventFilter: what passes through an event stream that is relayed as it comes.
///
/// Every byte passes, in order and at once, but for what is asked: one byte order mark at the very
/// beginning is dropped (the gateway has written before it), and the number of a `retry` field is
/// kept within bounds. It knows where events end, so that heartbeats come between them.
///
///   stream:  bom ─► line_start ─┬─► comment ────────────────────────────────────┐
///                      ▲        ├─► name ("retry") ─► blank ─► number ─► text ──┤
///                      │        └─► text ───────────────────────────────────────┤
///                      └────────────────── CR, LF or CRLF ◄─────────────────────┘
///
/// Held back are only the first two bytes of what may be a byte order mark, and the digits of a
/// retry until its line ends; leading zeros pass, for they change no number. (A number past 64 bits
/// that turns out to be none, "99999999999999999999x", is ignored by clients and passes as
/// another.) Thread  its owner's. Errors  none: what is no field passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/units.h"
#include "gateway/relay/options.h"

namespace sluice::relay {

/// What a `retry` is kept within, in milliseconds. The same for all of a stream; a stream does not
/// keep it.
struct RetryBounds {
  RetryBounds(Millis min_retry, Millis max_retry);

  std::uint32_t min;
  std::uint32_t max;
};

class EventFilter {
 public:
  /// Appends to `out` what passes.
  void feed(std::string_view in, const RetryBounds& bounds, std::string& out);
  /// As feed(), but no further than to where at_boundary() is true, an LF that belongs to a CR
  /// included. Returns how much of `in` it took: nothing, when it stands at a boundary already.
  std::size_t feed_to_boundary(std::string_view in, const RetryBounds& bounds, std::string& out);
  /// The stream is over: appends what is held back. Its line did not end, so no client heeds it.
  void finish(const RetryBounds& bounds, std::string& out);

  /// Nothing of an event has begun, and no line. A comment begins none; any other line does.
  [[nodiscard]] bool at_boundary() const {
    return !in_event_ && (place_ == Place::line_start || (place_ == Place::bom && matched_ == 0));
  }
  /// That have passed whole; up to 2^32-1.
  [[nodiscard]] std::uint32_t events() const { return events_; }
  /// Puts a heartbeat there. Only at_boundary(). `event`: its type, for HeartbeatForm::event.
  void heartbeat(HeartbeatForm form, std::string_view event, std::string& out);

 private:
  enum class Place : std::uint8_t { bom, line_start, comment, text, name, blank, number };
  struct Run;

  std::size_t run(Run run, bool stops);
  void step(Run& run);
  void step_bom(Run& run);
  void step_line_start(Run& run);
  void step_name(Run& run);
  void step_number(Run& run);
  void step_to_line_end(Run& run);
  void end_line(Run& run);
  void clamp_number(const RetryBounds& bounds);
  void put_number(std::string& out);

  std::uint64_t value_ = 0;  ///< Of the digits that are held.
  std::uint32_t events_ = 0;
  Place place_ = Place::bom;
  std::uint8_t matched_ = 0;  ///< Bytes of the byte order mark, or of "retry".
  bool in_event_ : 1 = false;
  bool after_cr_ : 1 = false;    ///< The last byte was CR: an LF now belongs to it.
  bool drops_lf_ : 1 = false;    ///< A heartbeat came between: that LF would be a line of its own.
  bool has_digits_ : 1 = false;  ///< Held ones.
  bool has_zeros_ : 1 = false;   ///< That have passed.
};
static_assert(sizeof(EventFilter) <= 16, "there is one for each stream");

}  // namespace sluice::relay
