/// RequestHead: the fields of one request as they arrive, bounded, and judged when they are
/// complete.
///
/// It makes an http::Request that is safe to pass on to HTTP/1.1 too: what nghttp2 lets through and
/// RFC 9113 §8.2 and §8.3 or smuggling forbid is refused here.
/// Owner   its Stream, from HEADERS to open().
/// Thread  the connection's worker only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/h2/options.h"
#include "gateway/http/message.h"

namespace sluice::h2 {

class RequestHead {
 public:
  explicit RequestHead(const Options& options)
      : max_bytes_(options.header_list_bytes), max_fields_(options.header_fields) {}

  /// A field in the order of arrival; nothing is kept of a head that has become too large.
  void add(std::string_view name, std::string_view value);
  /// nghttp2 found a field that is not well-formed, and left it out.
  void mark_malformed() { is_malformed_ = true; }
  /// `request` is complete (but for has_body), or this is what to answer instead; then only its
  /// method is to be looked at.
  [[nodiscard]] std::optional<http::Refusal> finish(http::Request& request) &&;

 private:
  [[nodiscard]] std::optional<http::Refusal> settle();
  void add_pseudo(std::string_view name, std::string_view value);
  [[nodiscard]] bool settle_authority();
  [[nodiscard]] bool settle_path();

  const std::size_t max_bytes_;
  const std::size_t max_fields_;
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;
  http::Request request_;
  std::string host_;
  std::string cookie_;  ///< All crumbs (RFC 9113 §8.2.3).
  bool has_host_ = false;
  bool is_too_large_ = false;
  bool is_malformed_ = false;
};

}  // namespace sluice::h2
