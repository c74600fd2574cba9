#include "gateway/server/publish_parser.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/base/units.h"
#include "gateway/sse/line_end.h"

namespace sluice::server {
namespace {
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
}  // namespace

PublishParser::PublishParser(Fields common, std::size_t max_block)
    : common_(std::move(common)), max_block_(max_block), block_(common_) {}

/// One at the very start is dropped, even when it comes in pieces; a part of one is text.
void PublishParser::skip_byte_order_mark(std::string_view& input) {
  while (mark_seen_ < kByteOrderMark.size() && !input.empty()) {
    if (input.front() != kByteOrderMark[mark_seen_]) {
      line_ = kByteOrderMark.substr(0, mark_seen_);
      mark_seen_ = kByteOrderMark.size();
      return;
    }
    ++mark_seen_;
    input.remove_prefix(1);
  }
}

Result<std::optional<Fields>> PublishParser::next(std::string_view& input) {
  skip_byte_order_mark(input);
  while (!input.empty()) {
    if (std::exchange(after_cr_, false) && input.front() == '\n') {
      input.remove_prefix(1);
      continue;
    }
    const std::size_t end = sse::find_line_end(input);
    const std::string_view part = input.substr(0, end);
    block_bytes_ += part.size();
    if (block_bytes_ > max_block_) {
      return fail(Errc::limit, fmt::format("the event is larger than {}", format_size(max_block_)));
    }
    if (end == input.npos) {
      line_ += part;
      input = {};
      break;
    }
    after_cr_ = input[end] == '\r';
    input.remove_prefix(end + 1);
    const std::string kept = std::exchange(line_, {});
    const std::string whole = kept.empty() ? std::string() : kept + std::string(part);
    const std::string_view line = kept.empty() ? part : std::string_view(whole);
    if (line.empty()) {
      const bool is_event = has_data_;
      Fields block = take_block();
      if (is_event) return block;
      continue;
    }
    const std::size_t colon = line.find(':');
    std::string_view value = colon == line.npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (colon == 0) {
      block_bytes_ -= line.size();  // Comments cost nothing: a silent publisher sends them.
    } else {
      field(line.substr(0, colon), value);
    }
  }
  return std::nullopt;
}

void PublishParser::field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_) block_.data += '\n';
    block_.data += value;
    has_data_ = true;
  } else if (name == "topic") {
    if (!std::exchange(has_topics_, true)) block_.topics.clear();
    block_.topics.emplace_back(value);
  } else if (name == "event" || name == "type") {
    block_.type = value;
  } else if (name == "id") {
    block_.id = value;
  } else if (name == "key") {
    block_.key = value;
  } else if (name == "retry") {
    block_.retry = std::string(value);
  } else if (name == "ttl") {
    block_.ttl = std::string(value);
  } else if (name == "private") {
    block_.is_private = true;
  }
}

Fields PublishParser::take_block() {
  has_topics_ = has_data_ = false;
  block_bytes_ = 0;
  return std::exchange(block_, common_);
}

}  // namespace sluice::server
