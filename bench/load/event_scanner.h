/// EventScanner: finds the load generator's own events in one stream of SSE text.
///
/// The text arrives in pieces of any size. An event counts at its blank line, as a browser
/// dispatches it. Only the head of each line is looked at, so that the instrument stays cheap.
///
/// Invariant  the same events come out however the text is cut into pieces.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::bench {

/// What a publisher wrote into an event: `~SEQUENCE.SENT_NS.PUBLISHER~`, then padding.
struct Token {
  std::uint32_t sequence = 0;  ///< Counts each publisher's events from 1.
  std::uint64_t sent_ns = 0;   ///< now_ns() of the machine that also receives.
  std::uint32_t publisher = 0;

  bool operator==(const Token&) const = default;
};

/// The text of `token`, padded to `size` bytes (it is longer when `size` is too short for it).
std::string encode_token(const Token& token, std::size_t size);
/// Appends an event of `topic` with that text to the body of a publishing stream.
void append_event(std::string& body, std::string_view topic, const Token& token, std::size_t size);
/// The token that `data` begins with; nothing when it is anybody else's text.
std::optional<Token> parse_token(std::string_view data);

class EventScanner {
 public:
  struct Event {
    std::optional<Token> token;  ///< Nothing: an event that no publisher of this run wrote.
    std::uint32_t data_size = 0;
  };

  /// Calls `on_event(const Event&)` for each event that `bytes` completes, in order.
  template <class OnEvent>
  void feed(std::string_view bytes, OnEvent&& on_event) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      if (end == std::string_view::npos) return keep(bytes);
      const auto rest_of_line = bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      if (held_line_ == 0) {
        if (end_line(rest_of_line, end)) on_event(std::as_const(event_));
        continue;
      }
      keep(rest_of_line);
      const auto whole = std::exchange(held_line_, 0);
      const auto head = std::string_view(held_.data(), std::exchange(held_size_, 0U));
      if (end_line(head, whole)) on_event(std::as_const(event_));
    }
  }

  /// Lines so far that are comments, and that begin with `retry:`.
  [[nodiscard]] std::uint32_t comments() const { return comments_; }
  [[nodiscard]] std::uint32_t retries() const { return retries_; }

 private:
  static constexpr std::string_view kData = "data:";
  static constexpr std::string_view kRetry = "retry:";
  static constexpr std::size_t kHead = 64;  ///< `data: ` and the longest token fit.

  /// Keeps the head of a line whose end has not come yet.
  void keep(std::string_view piece) {
    const auto room = std::min(piece.size(), kHead - held_size_);
    std::copy_n(piece.data(), room, held_.data() + held_size_);
    held_size_ += static_cast<std::uint32_t>(room);
    held_line_ += piece.size();
  }
  /// True when the line was the blank one that ends an event.
  bool end_line(std::string_view head, std::size_t line_size) {
    if (line_size == 0) return std::exchange(has_data_, false);
    if (!head.starts_with(kData)) {
      comments_ += head.starts_with(':') ? 1U : 0U;
      retries_ += head.starts_with(kRetry) ? 1U : 0U;
      return false;
    }
    // A space behind the colon belongs to the line, and need not be there.
    const auto name = kData.size() + (head.substr(kData.size()).starts_with(' ') ? 1U : 0U);
    event_ = {parse_token(head.substr(name)), static_cast<std::uint32_t>(line_size - name)};
    has_data_ = true;
    return false;
  }

  Event event_;
  bool has_data_ = false;
  std::uint32_t comments_ = 0;
  std::uint32_t retries_ = 0;
  std::uint32_t held_size_ = 0;
  std::size_t held_line_ = 0;  ///< Bytes of the unfinished line so far, kept or not.
  std::array<char, kHead> held_{};
};

}  // namespace sluice::bench
