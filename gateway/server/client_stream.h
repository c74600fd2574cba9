/// ClientStream: the request of `sluice publish --stream`: stdin goes out as it comes, while the
/// gateway's acknowledgements come in.
///
/// A library for requests and their answers would read only when it has written all: hence a
/// socket and poll().
/// Owner   the command. Thread  main; it blocks.
/// Errors  Errc::io with a sentence.
#pragma once

#include <functional>
#include <string>

#include "gateway/base/result.h"
#include "gateway/server/client_wire.h"

namespace sluice::server {

struct StreamRequest {
  Url url;
  std::string target;
  std::string token;            ///< Empty: none.
  std::string idempotency_key;  ///< Empty: none.
  std::string ca_file;          ///< Empty: whom the system trusts.
  bool is_insecure = false;     ///< Take any certificate.
};

struct StreamAnswer {
  int status = 0;
  std::string text;  ///< Of an answer that is not 200.
};

/// Sends what `input` (a descriptor) gives, to its end or to that of the answer, and hands each
/// event of the answer to `on_event`.
Result<StreamAnswer> stream_events(const StreamRequest& request, int input,
                                   const std::function<void(sse::Message&&)>& on_event);

}  // namespace sluice::server
