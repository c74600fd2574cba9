/// Publishing over HTTP: from a POST to events in the journal, and their ids back.
///
///   a form, or the bare data      one event     PublishAnswer   200, the id
///   application/json              a batch       PublishAnswer   200, {"ids": […]}
///   text/event-stream             a stream      PublishStream   200, acknowledgements
///
/// Owner   its worker's Site. Thread  that worker only; the journal may answer from any.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/http/exchange.h"
#include "gateway/server/publish_answer.h"
#include "gateway/server/publish_fields.h"

namespace sluice::server {

class Publish {
 public:
  explicit Publish(PublishSetting setting) : setting_(std::move(setting)) {}

  /// `POST /.well-known/mercure` and `POST /events`: each event names its topics.
  std::unique_ptr<http::Answer> open_hub(const http::Request& request, http::Exchange& exchange);
  /// `POST /events/{topic}`: the body is the data, or a stream; the query has the other fields.
  std::unique_ptr<http::Answer> open_topic(std::string topic, const http::Request& request,
                                           http::Exchange& exchange);

 private:
  using Read = std::function<Result<std::vector<sse::Draft>>(std::string body)>;

  std::unique_ptr<http::Answer> open_answer(Read read, bool is_batch, const http::Request& request,
                                            http::Exchange& exchange);
  std::unique_ptr<http::Answer> open_stream(Fields common, const http::Request& request,
                                            http::Exchange& exchange);
  std::unique_ptr<http::Answer> reject(const Denial& denial, const http::Request& request,
                                       http::Exchange& exchange);
  std::unique_ptr<http::Answer> send_away(const http::Request& request, http::Exchange& exchange,
                                          std::string text);
  [[nodiscard]] Rules rules() const;

  const PublishSetting setting_;
};

}  // namespace sluice::server
