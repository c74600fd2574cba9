/// What a call needs only until its request is sent and the head of its answer is here. For the
/// .cc files of ClientSession.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "gateway/h1/client_session.h"
#include "gateway/h1/head_text.h"

namespace sluice::h1 {

struct ClientSession::Opening : InSlab {
  // Of the request.
  std::string text;              ///< Its head; empty: it cannot be written.
  std::size_t sent = 0;          ///< Of the text.
  Sending body = Sending::done;  ///< How the body goes.
  bool is_head = false;
  std::uint64_t rest = 0;  ///< Of the body.
  // Of the answer.
  HeadText head;
  int informational = 0;
};

}  // namespace sluice::h1
