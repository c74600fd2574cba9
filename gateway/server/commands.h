/// The commands of the program, except the client's: each returns the exit status.
///
/// 0 is success, 2 a configuration or an argument that cannot work, 1 anything else.
/// Thread  main.
#pragma once

#include "gateway/server/cli.h"

namespace sluice::server {

int run(const Exit& command);
int run(const ServeCommand& command);
int run(const CheckCommand& command);
int run(const TokenCommand& command);
int run(const ReferenceCommand& command);
int run(const VersionCommand& command);

}  // namespace sluice::server
