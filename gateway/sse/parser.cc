#include "gateway/sse/parser.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/sse/line_end.h"

namespace sluice::sse {
namespace {
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
}  // namespace

Parser::Parser(Sink sink, std::size_t max_event) : sink_(std::move(sink)), max_event_(max_event) {}

void Parser::feed(std::string_view bytes) {
  // One byte order mark is dropped, even when it comes in pieces; a part of one is text.
  while (bom_seen_ < kByteOrderMark.size() && !bytes.empty()) {
    if (bytes.front() != kByteOrderMark[bom_seen_]) {
      append_to_line(kByteOrderMark.substr(0, bom_seen_));
      bom_seen_ = kByteOrderMark.size();
      break;
    }
    ++bom_seen_;
    bytes.remove_prefix(1);
  }
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') {
      after_cr_ = false;
      bytes.remove_prefix(1);
      continue;
    }
    after_cr_ = false;
    const std::size_t end = find_line_end(bytes);
    append_to_line(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    end_line();
  }
}

void Parser::append_to_line(std::string_view part) {
  if (is_overflowing_) {
    // Only whether the line is blank matters now.
    if (line_.empty() && !part.empty()) line_ = part.substr(0, 1);
    return;
  }
  if (line_.size() + data_.size() + part.size() > max_event_) {
    is_overflowing_ = true;
    line_ = "x";
    return;
  }
  line_ += part;
}

void Parser::end_line() {
  if (line_.empty()) {
    dispatch();
    return;
  }
  at_boundary_ = false;
  if (!is_overflowing_) {
    const std::string_view line = line_;
    const std::size_t colon = line.find(':');
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    if (colon != 0) {
      field(line.substr(0, colon), value);
    } else if (data_.empty() && !has_data_ && type_.empty() && id_ == last_id_) {
      at_boundary_ = true;  // A comment between blocks.
    }
  }
  line_.clear();
}

void Parser::field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') != std::string_view::npos) return;
    id_ = value;
    has_id_ = true;
  } else if (name == "retry") {
    std::chrono::milliseconds::rep ms = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
    const bool is_digits = !value.empty() && value.front() != '-' &&
                           end == value.data() + value.size() && error == std::errc{};
    if (is_digits && sink_.on_retry) sink_.on_retry(std::chrono::milliseconds(ms));
  }
}

void Parser::dispatch() {
  at_boundary_ = true;
  last_id_ = id_;
  const bool is_lost = std::exchange(is_overflowing_, false);
  if (is_lost) {
    if (sink_.on_overflow) sink_.on_overflow();
  } else if (has_data_ && sink_.on_message) {
    sink_.on_message({.id = last_id_,
                      .type = std::move(type_),
                      .data = std::move(data_),
                      .has_own_id = has_id_});
  } else if (has_id_ && sink_.on_lone_id) {
    sink_.on_lone_id(last_id_);
  }
  data_.clear();
  type_.clear();
  has_data_ = false;
  has_id_ = false;
}

}  // namespace sluice::sse
