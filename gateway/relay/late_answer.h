/// LateAnswer: the beginning of an answer that came too late to be passed on: its client has the
/// head of an event stream already, and is told of it in an error event.
///
/// Owner   the Opening of the exchange. Thread  its worker's.
/// Limits  kBody, and kTime: an error may have a body without end, or one that never ends.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/clock.h"
#include "gateway/base/units.h"
#include "gateway/relay/parting.h"

namespace sluice::relay {

class LateAnswer {
 public:
  void begin(int status, TimePoint now) {
    status_ = status;
    due_ = now + kTime;
  }
  /// More of its body. True: that is enough.
  [[nodiscard]] bool add(std::string_view bytes) {
    body_ += bytes.substr(0, kBody - body_.size());
    return body_.size() == kBody;
  }
  /// When it is told of with what is here.
  [[nodiscard]] TimePoint due() const { return due_; }
  /// What it says. Once.
  [[nodiscard]] Parting parting() {
    std::string cause = fmt::format("the upstream answered {}", status_);
    return {.status = status_,
            .kind = "upstream_answer",
            .what = body_.empty() ? cause : std::move(body_),
            .cause = std::move(cause)};
  }

 private:
  static constexpr std::size_t kBody = 4_KiB;
  static constexpr Millis kTime{1'000};

  int status_ = 0;
  TimePoint due_ = TimePoint::max();
  std::string body_;
};

}  // namespace sluice::relay
