#include "gateway/relay/error_event.h"

#include <fmt/format.h>

#include "gateway/relay/json_text.h"

namespace sluice::relay {
namespace {

/// Of https://docs.anthropic.com/en/api/errors.
std::string_view anthropic_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    case 504:
      return "timeout_error";
    default:
      // 2xx and 3xx: what came was no stream, which is not the client's fault.
      return status >= 400 && status < 500 ? "invalid_request_error" : "api_error";
  }
}

/// Of https://platform.openai.com/docs/guides/error-codes, where the fault is not the upstream's.
std::string_view openai_type(int status, std::string_view kind) {
  if (kind.starts_with("upstream_")) return "upstream_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

std::string json_of(ErrorForm form, int status, std::string_view kind, std::string_view message) {
  const std::string code = json_text(kind);
  const std::string text = json_text(message);
  switch (form) {
    case ErrorForm::reset:
      break;
    case ErrorForm::event:
      return fmt::format(R"({{"error":{{"status":{},"type":{},"message":{}}}}})", status, code,
                         text);
    case ErrorForm::openai:
      return fmt::format(
          R"({{"error":{{"message":{},"type":"{}","code":{},"param":null,"status":{}}}}})", text,
          openai_type(status, kind), code, status);
    case ErrorForm::anthropic:
      return fmt::format(R"({{"type":"error","error":{{"type":"{}","message":{}}}}})",
                         anthropic_type(status), text);
  }
  return {};
}

}  // namespace

std::string error_event(ErrorForm form, int status, std::string_view kind,
                        std::string_view message) {
  if (form == ErrorForm::reset) return {};
  const std::string_view type = form == ErrorForm::openai ? "" : "event: error\n";
  return fmt::format("{}data: {}\n\n", type, json_of(form, status, kind, message));
}

ErrorBody error_body(ErrorForm form, int status, std::string_view kind, std::string_view message) {
  if (form == ErrorForm::reset) {
    return {.content_type = "text/plain; charset=utf-8", .text = fmt::format("{}\n", message)};
  }
  return {.content_type = "application/json",
          .text = fmt::format("{}\n", json_of(form, status, kind, message))};
}

}  // namespace sluice::relay
