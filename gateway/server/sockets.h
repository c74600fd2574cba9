/// Sockets: the listening sockets of this process, wherever they come from.
///
/// They are opened here; or handed over by the process that this one replaces (predecessor.h); or
/// passed by the service manager (sd_listen_fds(3)). In the last two cases connections may wait in
/// them already, or come at any time: to close such a socket would reset them, and a browser's
/// EventSource that is reset there is closed for ever. So all that are there for an address are
/// listened on, whatever the number of workers.
///
/// A socket is known by the text of its address in the configuration and, where the same text
/// stands there more than once (port 0), by which of them it is.
///
/// Owner   server::Gateway. Thread  main.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "gateway/base/c_handle.h"
#include "gateway/base/result.h"

namespace sluice::server {

class Sockets {
 public:
  struct Named {
    std::string name;
    int fd;  ///< Its listener's.
  };

  /// One that the process before has listened on.
  void inherit(std::string name, UniqueFd socket);
  /// Takes those that the service manager passes; it is asked once.
  Result<void> take_passed();

  /// Those for an address: what is there, else `count` new ones for each address that it means.
  Result<std::vector<UniqueFd>> open(const std::string& address, std::size_t count);
  /// After the last open(): what nobody has asked for. One of the service manager's is a fault:
  /// connections would wait in it for ever.
  Result<void> drop_others();

  /// What the next process inherits; good while they are listened on.
  [[nodiscard]] const std::vector<Named>& in_use() const { return in_use_; }

 private:
  struct Waiting {
    std::string name;  ///< Empty: the service manager's, known by its address.
    UniqueFd socket;
  };

  std::vector<UniqueFd> take_waiting(const std::string& name);
  Result<std::vector<UniqueFd>> take_passed_for(const std::string& address);

  std::vector<Waiting> waiting_;
  std::map<std::string, std::size_t> asked_;  ///< How often, by address.
  std::vector<Named> in_use_;
};

}  // namespace sluice::server
