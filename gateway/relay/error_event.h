/// error_event: how the client of an event stream is told that its upstream failed.
///
/// Thread  any; pure function.
#pragma once

#include <string>
#include <string_view>

#include "gateway/relay/options.h"

namespace sluice::relay {

/// A whole event, for a boundary of events; empty for ErrorForm::reset. `status` is what an answer
/// that had not begun would have, `kind` a word for programs ("upstream_closed"), `message` for
/// people: any bytes.
std::string error_event(ErrorForm form, int status, std::string_view kind,
                        std::string_view message);

/// The body of an answer of ours that is an error, in the form that the clients of `form` read:
/// JSON, else plain text with a final line end.
struct ErrorBody {
  std::string_view content_type;
  std::string text;
};
ErrorBody error_body(ErrorForm form, int status, std::string_view kind, std::string_view message);

}  // namespace sluice::relay
