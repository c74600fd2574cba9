#include <variant>

#include "gateway/server/cli.h"
#include "gateway/server/commands.h"

int main(int argc, char** argv) {
  const auto command = sluice::server::parse_command_line(argc, argv);
  return std::visit([](const auto& each) { return sluice::server::run(each); }, command);
}
