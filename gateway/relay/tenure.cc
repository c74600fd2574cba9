#include "gateway/relay/tenure.h"

#include <algorithm>
#include <utility>

namespace sluice::relay {

Tenure::Tenure(const http::Request& request, Terms terms, Slab& openings)
    : phase_(make_in<Opening>(openings)) {
  const std::string* accept = request.headers.find("accept");
  opening().terms = std::move(terms);
  opening().is_get = request.method == "GET";
  opening().is_head = request.method == "HEAD";
  opening().wants_events = accept != nullptr && http::accepts(*accept, "text/event-stream");
}

bool Tenure::read_body(std::string_view bytes) {
  return is_opening() && !opening().is_get && opening().stream_flag.feed(bytes);
}

bool Tenure::admit() {
  Terms& terms = opening().terms;
  if (terms.admit == nullptr) return true;
  auto instead = terms.admit(terms.lease);
  if (instead == nullptr) return true;
  give_to(std::move(instead));
  return false;
}

void Tenure::settle() {
  if (!is_opening()) return;
  Terms& terms = opening().terms;
  std::string client = http::client_apart(terms.forwarded);
  const bool does_end = std::min(terms.ends, opening().retires()) < TimePoint::max();
  if (does_end || !terms.subject.empty() || terms.lease != nullptr || !client.empty()) {
    auto kept = std::make_unique<Kept>();
    kept->ends = terms.ends;
    kept->retires = opening().retires();
    kept->subject = std::move(terms.subject);
    kept->client = std::move(client);
    kept->lease = std::move(terms.lease);
    phase_ = std::move(kept);
    return;
  }
  phase_.reset();
}

void Tenure::drop_opening() {
  if (is_opening()) phase_.reset();
}

void Tenure::give_to(std::unique_ptr<http::Answer> instead) {
  auto kept = std::make_unique<Kept>();
  kept->instead = std::move(instead);
  phase_ = std::move(kept);
}

TimePoint Tenure::ends() const {
  if (is_opening()) return opening().terms.ends;
  return kept() == nullptr ? TimePoint::max() : kept()->ends;
}

TimePoint Tenure::retires() const {
  if (is_opening()) return opening().retires();
  return kept() == nullptr ? TimePoint::max() : kept()->retires;
}

std::string_view Tenure::client() const {
  if (is_opening()) return opening().terms.forwarded.client;
  return kept() == nullptr ? std::string_view() : kept()->client;
}

std::string_view Tenure::subject() const {
  if (is_opening()) return opening().terms.subject;
  return kept() == nullptr ? std::string_view() : kept()->subject;
}

}  // namespace sluice::relay
