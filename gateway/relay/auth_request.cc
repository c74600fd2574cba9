#include "gateway/relay/auth_request.h"

#include <string>
#include <utility>

#include "gateway/relay/upstream.h"

namespace sluice::relay {

AuthRequest::AuthRequest(const Setting& setting, http::Outgoing request, Done done)
    : copied_(setting.copied), done_(std::move(done)) {
  setting.loop.wheel().arm(*this, setting.loop.now() + setting.timeout);
  start(setting.upstream, std::move(request));
}

void AuthRequest::on_answer(http::Response head, std::optional<std::uint64_t> /*length*/) {
  head_ = std::move(head);
}

void AuthRequest::on_bytes(std::string_view bytes) {
  if (body_.size() + bytes.size() <= kMaxAuthBody) {
    body_ += bytes;
    return consume(bytes.size());
  }
  // What it says is in its head; the rest may be without end.
  stop();
  body_.clear();
  finish(judge(head_, {}, copied_));
}

void AuthRequest::on_complete(bool /*until_close*/) {
  finish(judge(head_, std::move(body_), copied_));
}

void AuthRequest::on_broken(const Broken& broken) {
  const int status = broken.failure == Failure::busy ? 503 : 502;
  finish(auth_failure(status, "the authorisation of this request could not be found out",
                      std::string(broken.what)));
}

void AuthRequest::on_deadline(TimePoint /*now*/) {
  stop();
  finish(auth_failure(503, "the authorisation of this request took too long",
                      "it did not answer in time"));
}

void AuthRequest::finish(AuthAnswer answer) {
  cancel();
  done_(std::move(answer));
}

}  // namespace sluice::relay
