/// Choice: which of several certificates a client gets, by the name that it asks for (SNI).
///
/// Each certificate has an SSL_CTX of its own; that of the first one is the listener's, owns the
/// others, and passes a connection on to the one that fits. For this layer's .cc files only.
///
/// Owner   the first SSL_CTX: it lives as long as that does, in connections too.
/// Thread  any; immutable.
#pragma once

#include <vector>

#include "gateway/base/result.h"
#include "tls/certificate.h"
#include "tls/handles.h"

namespace sluice::tls {

/// `contexts` are those of `certificates`, in the same order; the first is not passed on to itself.
Result<SslContextPtr> choose_by_name(
    std::vector<SslContextPtr> contexts,
    const std::vector<std::shared_ptr<const Certificate>>& certificates);

}  // namespace sluice::tls
