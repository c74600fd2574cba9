/// Publishing over HTTP: from a POST to an event in the journal, and its id back.
///
/// Owner   its worker's Site. Thread  that worker only; the journal may answer from any.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/http/exchange.h"
#include "gateway/server/counters.h"
#include "gateway/server/shared.h"

namespace sluice::server {

class Publish {
 public:
  /// Runs a task on this worker's thread, now or soon; called from any thread.
  using Post = std::function<void(std::function<void()>)>;

  Publish(Shared& shared, Counters& counters, Post post);

  /// `POST /.well-known/mercure` with a form: topic (repeated), data, id, type, retry, private.
  std::unique_ptr<http::Answer> open_mercure(const http::Request& request,
                                             http::Exchange& exchange);
  /// `POST /events/{topic}`: the body is the data; id, type, retry and private are in the query.
  std::unique_ptr<http::Answer> open_topic(std::string topic, const http::Request& request,
                                           http::Exchange& exchange);

 private:
  friend class PublishAnswer;
  /// What a body becomes.
  using Read = std::function<Result<sse::Draft>(std::string body)>;

  std::unique_ptr<http::Answer> open(Read read, const http::Request& request,
                                     http::Exchange& exchange);
  std::unique_ptr<http::Answer> reject(int status, std::string text, const http::Request& request,
                                       http::Exchange& exchange);

  Shared& shared_;
  Counters& counters_;
  const Post post_;
};

}  // namespace sluice::server
