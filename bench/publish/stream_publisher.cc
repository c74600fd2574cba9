#include "bench/publish/stream_publisher.h"

#include <charconv>
#include <utility>

#include <fmt/core.h>

namespace sluice::bench {
namespace {

constexpr std::string_view kEvents = R"({"events":)";

/// What stands behind `name` in `line`; empty when it begins otherwise.
std::string_view value_of(std::string_view line, std::string_view name) {
  return line.starts_with(name) ? line.substr(name.size()) : std::string_view{};
}

}  // namespace

StreamPublisher::StreamPublisher(const Poller& poller, ssl_ctx_st* tls, H2Poster::Target target,
                                 Next next)
    : target_(std::move(target)), next_(std::move(next)), poster_(poller, tls, target_, *this, 1) {}

void StreamPublisher::proceed() {
  if (!has_begun_ && poster_.is_open()) {
    has_begun_ = true;
    poster_.post(0);
  }
  poster_.proceed();
}

H2Poster::Fill StreamPublisher::fill(std::size_t, std::string& body) {
  return next_(body);
}

void StreamPublisher::on_text(std::size_t, std::string_view text) {
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    line_ += text.substr(0, end);
    text.remove_prefix(end + 1);
    take_line(line_);
    line_.clear();
  }
  line_ += text;
}

void StreamPublisher::take_line(std::string_view line) {
  if (const auto id = value_of(line, "id: "); !id.empty()) id_ = id;
  if (const auto type = value_of(line, "event: "); !type.empty()) type_ = type;
  const auto data = value_of(line, "data: ");
  if (data.empty()) return;
  const auto number = value_of(data, kEvents);
  if (type_ == "ack" && !number.empty()) {
    std::from_chars(number.data(), number.data() + number.size(), acknowledged_);
    last_id_ = id_;
  } else {
    fault_ = data;
  }
}

void StreamPublisher::on_end(std::size_t, int status) {
  is_over_ = true;
  if (status != 200 && fault_.empty()) fault_ = fmt::format("the stream ended with {}", status);
}

void StreamPublisher::on_lost() {
  is_over_ = true;
  if (fault_.empty()) fault_ = "the connection was lost";
}

}  // namespace sluice::bench
