/// Account: what is told of an exchange to who keeps a log of it, and how exchanges end.
///
/// A session knows how an exchange ended on the wire; an Answer knows why it ended itself, whose it
/// was and where it went. Both say so here, and neither knows who listens. Where nobody does there
/// is no Account, and nothing is kept.
/// Thread  plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/protocol.h"
#include "gateway/base/utf8.h"

namespace sluice::http {

enum class Ending : std::uint8_t {
  none,  ///< It is open; or of an Answer: it has nothing to say.
  // What a session says.
  complete,        ///< All of the answer left.
  aborted,         ///< The Answer broke it off.
  client_left,     ///< A reset, or the end of the connection.
  stalled,         ///< The client took nothing for too long.
  unresponsive,    ///< It answered no PING.
  timeout,         ///< The request's body did not come in time.
  protocol_error,  ///< The client broke the rules, and its connection was ended.
  write_timeout,   ///< Its socket took nothing for too long.
  closed,          ///< The connection was cut, at the end of a drain.
  // What an Answer says, or an operator.
  drained,
  expired,         ///< Its token.
  stream_age,      ///< It has lasted for as long as a stream may.
  connection_age,  ///< Its connection has.
  revoked,         ///< The same.
  slow,            ///< The policy of its topic or of its route ends slow readers.
  unreadable,      ///< History could not be read.
  parked,
  shed,        ///< Memory is short.
  killed,      ///< By an operator.
  cut_off,     ///< The engine that keeps the history is out of reach here.
  superseded,  ///< The same client came back and took its place.
  upstream_end,
  upstream_failed,
};

/// How a log names it, and who ended it: "client", "server" or "upstream".
struct EndingText {
  std::string_view name;
  std::string_view by;
};
[[nodiscard]] EndingText text_of(Ending ending);
/// Of an exchange that was open when its connection ended.
[[nodiscard]] Ending ending_of(Hangup hangup);

/// What its Answer adds to what the request itself says.
struct Account {
  static constexpr std::size_t kMostTopics = 5;
  static constexpr std::size_t kMostText = 512;  ///< Bytes that are kept of what a peer words.

  std::string route;     ///< Empty: none has taken it.
  std::string upstream;  ///< The address that was asked, last.
  std::string subject;   ///< Of its token; see set_subject().
  std::string request_id;
  std::vector<std::string> topics;  ///< The first of those that are subscribed to or published to.
  std::size_t topic_count = 0;
  Ending ending = Ending::none;  ///< Why the Answer ends by itself.
  std::string failure;  ///< With Ending::upstream_failed or parked: its kind, for programs.
  std::string cause;    ///< Of the failure, for people.

  void add_topic(std::string_view topic) {
    if (topic_count++ < kMostTopics) topics.push_back(cut_text(topic, kMostText));
  }
  void set_subject(std::string_view text) { subject = cut_text(text, kMostText); }
};

/// Of a moment, since its clock's epoch: in 4 bytes, for who keeps many.
[[nodiscard]] constexpr std::uint32_t whole_seconds(TimePoint at) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
}

/// Where an event stream stands.
struct Progress {
  std::uint64_t events = 0;  ///< Handed over whole.
  std::uint64_t gaps = 0;    ///< Gap events among what was handed over.
  std::uint64_t behind = 0;  ///< Events that wait for the client; of who reads history, at most.
  std::uint64_t queued = 0;  ///< Bytes that wait for it, as far as they are chosen.
  bool is_lagging = false;   ///< It reads history.
};

}  // namespace sluice::http
