#include "gateway/relay/relay.h"

#include <utility>

#include "gateway/http/answers.h"
#include "gateway/relay/passage.h"
#include "gateway/relay/request_head.h"

namespace sluice::relay {

Relay::Relay(Setting setting)
    : setting_(std::move(setting)), connections_(setting_.loop, setting_.net, nullptr) {
  for (std::size_t i = 0; i < setting_.upstreams.size(); ++i) {
    upstreams_.push_back(std::make_unique<Upstream>(
        setting_.upstreams[i], Upstream::Setting{.loop = setting_.loop,
                                                 .connections = connections_,
                                                 .resolver = setting_.resolver,
                                                 .post = setting_.post,
                                                 .tls = setting_.contexts[i]}));
  }
  for (const RouteOptions& route : setting_.routes) {
    routes_.emplace_back(new RouteContext{.options = route,
                                          .retry = setting_.retry,
                                          .upstream = *upstreams_[route.upstream],
                                          .loop = setting_.loop,
                                          .streams = streams_});
  }
}

/// Sessions tell their upstream when they go.
Relay::~Relay() {
  connections_.close_all();
}

std::unique_ptr<http::Answer> Relay::open(std::size_t route, const http::Request& request,
                                          http::Exchange& exchange, Terms terms) {
  RouteContext& context = *routes_[route];
  auto outgoing = make_request(context.options, request, terms);
  if (!outgoing) {
    return http::problem(exchange, 400, outgoing.error().what, std::move(terms.answer_headers),
                         request.method == "HEAD");
  }
  auto passage = std::make_unique<Passage>(context, exchange, request, std::move(terms));
  passage->begin(std::move(*outgoing));
  return passage;
}

bool Relay::flush() {
  for (const auto& upstream : upstreams_) upstream->tend();
  return connections_.flush();
}

}  // namespace sluice::relay
