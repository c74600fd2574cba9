/// Sharing: the door to shared and replayed streams, one for each worker.
///
/// It decides which stream serves a request, makes what is missing on this worker (a Source for a
/// new stream, a View for one that is read here), and keeps both.
///
///   route.share    GET: one stream for all whose host, path, query and chosen headers are the
///                  same, of the same principal, unless across_credentials. It is asked for
///                  without anybody's Last-Event-ID; whose id it does not hold is told by a gap
///   route.replay   GET: a stream for each client, which waits for it when it goes; who comes back
///                  with an id of ours, or with the upstream's where exactly one waiting stream of
///                  the same wish and principal has it, goes on there. So does, where none waits,
///                  whoever comes before his old connection's end was seen, if exactly one stream
///                  with a reader has the id. With the upstream's it must be likely that he is that
///                  reader: it was handed that event, and has not gone on for longer than `linger`
///                  behind it; and it has not itself taken over in that time from one who was there
///   replay.post    POST: the same; GET and DELETE on its path find it by `?sluice-stream=NAME`, or
///                  by an id of ours. No POST is sent twice
///
/// A stream is found by who may have it, or not at all: what is another principal's looks as what
/// never was. With on_disconnect = cancel a stream waits for nobody: who comes back finds it only
/// while a reader is there, be it his own old connection. Requests that cannot
/// be for an event stream (another method, a range or a condition, a page) are left to be relayed
/// plainly, as are those for which there is no room.
///
/// Owner   Relay. Thread  its worker's. Lifetime  the answers go first, the routes and the process'
/// Sources last.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/http/exchange.h"
#include "gateway/net/loop.h"
#include "gateway/relay/door.h"
#include "gateway/relay/log.h"
#include "gateway/relay/reader_stream.h"
#include "gateway/relay/route_context.h"
#include "gateway/relay/source.h"
#include "gateway/relay/sources.h"
#include "gateway/relay/terms.h"
#include "gateway/relay/view.h"

namespace sluice::relay {

class Sharing {
 public:
  struct Setting {
    net::Loop& loop;
    Sources& sources;
    std::function<void(std::function<void()>)> post;  ///< To this worker. Any thread.
    std::function<std::unique_ptr<SourceCall>(RouteContext&, SourceCall::Owner&)> make_call;
    ReaderStream::OpenPlainly open_plainly;
  };

  explicit Sharing(Setting setting);
  ~Sharing();
  Sharing(const Sharing&) = delete;
  Sharing& operator=(const Sharing&) = delete;

  /// As http::Service::open(). Null: it is to be relayed plainly, and `terms` are as they were.
  std::unique_ptr<http::Answer> open(RouteContext& route, const http::Request& request,
                                     http::Exchange& exchange, Terms& terms);
  /// The clients have been written to: what is shared may go on.
  void end_turn();

 private:
  struct Ask {
    RouteContext& route;
    const http::Request& request;
    http::Exchange& exchange;
    Terms& terms;
    std::string last_event_id;
    std::string stream;     ///< Of `sluice-stream`, or of an id of ours.
    bool is_named = false;  ///< By `sluice-stream`.
  };

  std::unique_ptr<http::Answer> open_get(Ask& ask);
  std::unique_ptr<http::Answer> open_shared(Ask& ask, const std::string& key);
  std::unique_ptr<http::Answer> open_own(Ask& ask, std::string key);
  std::unique_ptr<http::Answer> come_back(Ask& ask, const std::string& key);
  std::unique_ptr<http::Answer> stop_stream(Ask& ask);
  static std::unique_ptr<http::Answer> no_such_stream(const Ask& ask);
  [[nodiscard]] std::shared_ptr<Log> find_for(const Ask& ask, const std::string& key) const;
  std::unique_ptr<http::Answer> join(Ask& ask, const std::shared_ptr<Log>& log, const Wish& wish);
  std::unique_ptr<http::Answer> begin(Ask& ask, const std::shared_ptr<Log>& log);
  View& view_of(const std::shared_ptr<Log>& log);
  void sweep_later();
  void sweep();

  // Set in the constructor.
  const Setting setting_;
  const std::shared_ptr<Door> door_;
  const std::function<void()> sweep_later_;
  const std::shared_ptr<Sharing*> self_;  ///< For a task that comes when this may be gone.

  View::Pulled pulled_;  ///< In this turn.
  std::unordered_map<const Log*, std::unique_ptr<View>> views_;
  std::unordered_map<const Source*, std::unique_ptr<Source>> sources_;
  std::vector<std::unique_ptr<Source>> buried_;
  bool is_sweeping_ = false;
};

}  // namespace sluice::relay
