#include "gateway/relay/tenure.h"

#include <algorithm>
#include <utility>

namespace sluice::relay {

Tenure::Tenure(const http::Request& request, Terms terms) : opening_(std::make_unique<Opening>()) {
  const std::string* accept = request.headers.find("accept");
  opening_->terms = std::move(terms);
  opening_->is_get = request.method == "GET";
  opening_->is_head = request.method == "HEAD";
  opening_->wants_events = accept != nullptr && http::accepts(*accept, "text/event-stream");
}

bool Tenure::read_body(std::string_view bytes) {
  return opening_ != nullptr && !opening_->is_get && opening_->stream_flag.feed(bytes);
}

bool Tenure::admit() {
  Terms& terms = opening_->terms;
  if (terms.admit == nullptr) return true;
  auto instead = terms.admit(terms.lease);
  if (instead == nullptr) return true;
  give_to(std::move(instead));
  return false;
}

void Tenure::settle() {
  if (opening_ == nullptr) return;
  Terms& terms = opening_->terms;
  std::string client = http::client_apart(terms.forwarded);
  const bool does_end = std::min(terms.ends, opening_->retires()) < TimePoint::max();
  if (does_end || !terms.subject.empty() || terms.lease != nullptr || !client.empty()) {
    kept_ = std::make_unique<Kept>(Kept{.ends = terms.ends,
                                        .retires = opening_->retires(),
                                        .subject = std::move(terms.subject),
                                        .client = std::move(client),
                                        .lease = std::move(terms.lease),
                                        .instead = {}});
  }
  opening_.reset();
}

void Tenure::give_to(std::unique_ptr<http::Answer> instead) {
  opening_.reset();
  kept_ = std::make_unique<Kept>();
  kept_->instead = std::move(instead);
}

TimePoint Tenure::ends() const {
  if (opening_ != nullptr) return opening_->terms.ends;
  return kept_ == nullptr ? TimePoint::max() : kept_->ends;
}

TimePoint Tenure::retires() const {
  if (opening_ != nullptr) return opening_->retires();
  return kept_ == nullptr ? TimePoint::max() : kept_->retires;
}

std::string_view Tenure::client() const {
  if (opening_ != nullptr) return opening_->terms.forwarded.client;
  return kept_ == nullptr ? std::string_view() : kept_->client;
}

std::string_view Tenure::subject() const {
  if (opening_ != nullptr) return opening_->terms.subject;
  return kept_ == nullptr ? std::string_view() : kept_->subject;
}

}  // namespace sluice::relay
