#include "gateway/relay/relay.h"

#include <algorithm>
#include <utility>

#include "gateway/http/answers.h"
#include "gateway/relay/last_word.h"
#include "gateway/relay/live_call.h"
#include "gateway/relay/passage.h"
#include "gateway/relay/request_head.h"
#include "gateway/relay/sharing.h"

namespace sluice::relay {

Relay::Relay(Setting setting)
    : setting_(std::move(setting)), connections_(setting_.loop, setting_.net, nullptr) {
  for (std::size_t i = 0; i < setting_.upstreams.size(); ++i) {
    upstreams_.push_back(std::make_unique<Upstream>(
        setting_.upstreams[i], Upstream::Setting{.loop = setting_.loop,
                                                 .connections = connections_,
                                                 .memory = memory_,
                                                 .resolver = setting_.resolver,
                                                 .post = setting_.post,
                                                 .tls = setting_.contexts[i]}));
  }
  for (const RouteOptions& route : setting_.routes) {
    routes_.emplace_back(new RouteContext{.options = route,
                                          .retry = setting_.retry,
                                          .upstream = *upstreams_[route.upstream],
                                          .loop = setting_.loop,
                                          .streams = streams_,
                                          .memory = memory_});
  }
  if (setting_.sources == nullptr) return;
  sharing_ = std::make_unique<Sharing>(
      Sharing::Setting{.loop = setting_.loop,
                       .sources = *setting_.sources,
                       .post = setting_.post,
                       .make_call =
                           [](RouteContext& context, SourceCall::Owner& owner) {
                             return std::make_unique<LiveCall>(context.upstream, owner);
                           },
                       .open_plainly = &Relay::open_plainly});
}

/// Sessions tell their upstream when they go; and what is shared tells nobody of that any more.
Relay::~Relay() {
  sharing_.reset();
  connections_.close_all();
}

std::unique_ptr<http::Answer> Relay::open(std::size_t route, const http::Request& request,
                                          http::Exchange& exchange, Terms terms) {
  RouteContext& context = *routes_[route];
  if (sharing_ != nullptr) {
    if (auto answer = sharing_->open(context, request, exchange, terms)) return answer;
  }
  return open_plainly(context, request, exchange, std::move(terms));
}

std::unique_ptr<http::Answer> Relay::open_plainly(RouteContext& context,
                                                  const http::Request& request,
                                                  http::Exchange& exchange, Terms terms) {
  auto outgoing = make_request(context.options, request, terms);
  if (!outgoing) {
    LastAnswer answer = error_answer(context.options, terms, outgoing.error());
    return http::reply(exchange, std::move(answer.head), std::move(answer.body),
                       request.method == "HEAD");
  }
  auto passage =
      make_in<Passage>(context.memory.passages, context, exchange, request, std::move(terms));
  passage->begin(std::move(*outgoing));
  return passage;
}

void Relay::flush() {
  for (const auto& upstream : upstreams_) upstream->tend();
  connections_.flush();
}

void Relay::end_turn() {
  if (sharing_ != nullptr) sharing_->end_turn();
  flush();
}

bool Relay::has_work() const {
  const auto has = [](const auto& upstream) { return upstream->has_work(); };
  return connections_.has_work() || std::any_of(upstreams_.begin(), upstreams_.end(), has);
}

std::size_t Relay::event_streams() const {
  std::int64_t sum = 0;
  for (const auto& route : routes_) sum += route->counters.event_streams.value();
  return static_cast<std::size_t>(sum);
}

std::size_t Relay::open_requests() const {
  std::int64_t sum = 0;
  for (const auto& route : routes_) sum += route->counters.open.value();
  return static_cast<std::size_t>(sum);
}

std::uint64_t Relay::heartbeats() const {
  std::uint64_t sum = 0;
  for (const auto& route : routes_) sum += route->counters.heartbeats.value();
  return sum;
}

}  // namespace sluice::relay
