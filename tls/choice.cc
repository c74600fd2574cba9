#include "tls/choice.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "gateway/base/ascii.h"

namespace sluice::tls {
namespace {

struct Choice {
  std::vector<SslContextPtr> others;
  /// By name, "*.app.example" as it stands; where several have one, of the first.
  std::unordered_map<std::string, SSL_CTX*> by_name;

  [[nodiscard]] SSL_CTX* find(std::string_view host) const {
    if (const auto exact = by_name.find(std::string(host)); exact != by_name.end()) {
      return exact->second;
    }
    const std::size_t dot = host.find('.');
    if (dot == host.npos || dot == 0) return nullptr;
    const auto wild = by_name.find("*" + std::string(host.substr(dot)));
    return wild == by_name.end() ? nullptr : wild->second;
  }
};

int index_of_choice() {
  const auto free = [](void*, void* choice, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<Choice*>(choice);
  };
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free);
  return index;
}

/// RFC 6066 §3 lets a server go on where it does not know the name.
int on_name(SSL* ssl, int*, void*) {
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto* choice =
      static_cast<const Choice*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index_of_choice()));
  // Null: it was passed on before (a second ClientHello, RFC 8446 §4.1.2).
  SSL_CTX* found = choice == nullptr ? nullptr : choice->find(to_lower(asked));
  const bool is_ours = found != nullptr && SSL_set_SSL_CTX(ssl, found) != nullptr;
  return is_ours ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Result<SslContextPtr> choose_by_name(
    std::vector<SslContextPtr> contexts,
    const std::vector<std::shared_ptr<const Certificate>>& certificates) {
  SslContextPtr first = std::move(contexts.front());
  if (contexts.size() == 1) return first;
  auto choice = std::make_unique<Choice>();
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    for (const std::string& name : certificates[i]->names()) {
      choice->by_name.emplace(name, contexts[i].get());  // The first one keeps it.
    }
    if (i > 0) choice->others.push_back(std::move(contexts[i]));
  }
  if (SSL_CTX_set_ex_data(first.get(), index_of_choice(), choice.get()) != 1) {
    return fail(Errc::io, "cannot set up TLS: " + take_error());
  }
  static_cast<void>(choice.release());
  // What SSL_CTX_set_tlsext_servername_callback() does, without its cast.
  SSL_CTX_callback_ctrl(first.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(&on_name));
  return first;
}

}  // namespace sluice::tls
