/// PathReader: the one field of a request that the least proxy has to know.
///
/// Clients do not put `:path` into HPACK's dynamic table, as each request has another. So the
/// fields before it are stepped over, and there is one decoder for all connections.
///
/// Thread  one.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct nghttp2_hd_inflater;

namespace sluice::bench {

class PathReader {
 public:
  PathReader();
  /// The path in the fields of a HEADERS frame; empty when it is not written out there.
  std::string read(std::string_view fields);

 private:
  struct Free {
    void operator()(nghttp2_hd_inflater* inflater) const noexcept;
  };

  void start_anew();
  std::string decode(std::string_view coded);

  std::unique_ptr<nghttp2_hd_inflater, Free> inflater_;
};

}  // namespace sluice::bench
