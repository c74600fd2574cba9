/// ResponseHead: the fields of one response as they arrive, bounded.
///
/// nghttp2 has judged each field and, before finish(), the whole (RFC 9113 §8.2 and §8.3.2); what
/// it only leaves out, its session refuses.
/// Owner   its ClientStream, from HEADERS to the end of the header block.
/// Thread  the connection's worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/h2/client_options.h"
#include "gateway/http/message.h"

namespace sluice::h2 {

class ResponseHead {
 public:
  enum class Kind { final, informational, malformed };

  /// A field in the order of arrival. False when the head has become too large.
  [[nodiscard]] bool add(std::string_view name, std::string_view value,
                         const ClientOptions& limits);
  /// Judges the complete head. If it is a final one, response() and content_length() are good.
  [[nodiscard]] Kind finish();
  [[nodiscard]] http::Response& response() { return response_; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const { return content_length_; }

 private:
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;
  http::Response response_{.status = 0};
  std::optional<std::uint64_t> content_length_;
};

}  // namespace sluice::h2
