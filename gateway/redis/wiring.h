/// Wiring: what the links of one journal share.
///
/// Owner  RedisJournal; all of it outlives the links.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/net/connections.h"
#include "gateway/net/loop.h"
#include "gateway/net/resolver.h"
#include "gateway/redis/aim.h"
#include "gateway/redis/options.h"

namespace sluice::tls {
class ClientContext;
}

namespace sluice::redis {

class Whereabouts;

struct Wiring {
  net::Loop& loop;
  net::Connections& connections;
  net::Resolver& resolver;
  /// To the loop's thread, from any.
  std::function<void(std::function<void()>)> post;
  std::shared_ptr<const tls::ClientContext> tls;  ///< Null: clear text.
  Whereabouts& whereabouts;
  LinkOptions options;
  Login login;
  std::string key;  ///< Is asked for, to see whether the server serves.
};

}  // namespace sluice::redis
