#include "gateway/relay/error_event.h"

#include <fmt/format.h>

#include "gateway/relay/json_text.h"

namespace sluice::relay {
namespace {

/// Of https://docs.anthropic.com/en/api/errors.
std::string_view anthropic_type(int status) {
  if (status == 503) return "overloaded_error";
  if (status == 504) return "timeout_error";
  return "api_error";
}

}  // namespace

std::string error_event(ErrorForm form, int status, std::string_view kind,
                        std::string_view message) {
  const std::string code = json_text(kind);
  const std::string text = json_text(message);
  switch (form) {
    case ErrorForm::reset:
      break;
    case ErrorForm::event:
      return fmt::format(
          "event: error\n"
          "data: {{\"error\":{{\"status\":{},\"type\":{},\"message\":{}}}}}\n\n",
          status, code, text);
    case ErrorForm::openai:
      return fmt::format(
          "data: {{\"error\":{{\"message\":{},\"type\":\"upstream_error\",\"code\":{},"
          "\"param\":null}}}}\n\n",
          text, code);
    case ErrorForm::anthropic:
      return fmt::format(
          "event: error\n"
          "data: {{\"type\":\"error\",\"error\":{{\"type\":\"{}\",\"message\":{}}}}}\n\n",
          anthropic_type(status), text);
  }
  return {};
}

}  // namespace sluice::relay
