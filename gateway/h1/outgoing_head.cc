#include "gateway/h1/outgoing_head.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "gateway/h1/fields.h"

namespace sluice::h1 {
namespace {

constexpr std::size_t kUsualHead = 1024;

bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames{"connection", "content-length",    "host",
                                                   "keep-alive", "proxy-connection",  "te",
                                                   "trailer",    "transfer-encoding", "upgrade"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// Without a blank, a line's end or another control character.
bool is_word(std::string_view text) {
  return is_value(text) && text.find_first_of(" \t") == std::string_view::npos;
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

/// RFC 9110 §8.6: without a body these say so, or some servers wait for one.
bool expects_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

bool write_outgoing_head(const http::Outgoing& request, std::string& out) {
  const http::Request& head = request.head;
  if (!is_token(head.method) || !head.path.starts_with('/') || !is_word(head.path) ||
      !is_word(head.query) || !is_word(head.authority)) {
    return false;
  }
  out.reserve(out.size() + kUsualHead);
  out.append(head.method).append(" ").append(head.path);
  if (!head.query.empty()) out.append("?").append(head.query);
  out.append(" HTTP/1.1\r\n");
  add_field(out, "host", head.authority);
  for (const http::Field& field : head.headers) {
    if (is_ours(field.name) || !is_token(field.name) || !is_value(field.value)) continue;
    add_field(out, field.name, field.value);
  }
  if (head.has_body && !request.body_length) {
    add_field(out, "transfer-encoding", "chunked");
  } else if (head.has_body || expects_body(head.method)) {
    add_field(out, "content-length",
              head.has_body ? std::to_string(*request.body_length) : std::string("0"));
  }
  out.append("\r\n");
  return true;
}

}  // namespace sluice::h1
