#include "gateway/server/manual.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "gateway/server/cli.h"
#include "gateway/server/reference.h"
#include "gateway/server/roff.h"

namespace sluice::server {
namespace {

bool has(const std::string& page, std::string_view text) {
  return page.find(text) != std::string::npos;
}

TEST_SUITE("manual pages") {
  TEST_CASE("have every command and every option") {
    const std::string page = program_manual();
    for (const CommandHelp& command : command_help()) {
      CAPTURE(command.name);
      if (command.name != "sluice") CHECK(has(page, ".SS " + command.name));
      for (const OptionHelp& option : command.options) {
        CAPTURE(option.name);
        CHECK_FALSE(option.text.empty());
        CHECK(has(page, roff_text(option.text)));
      }
    }
  }

  TEST_CASE("have every key, with its default") {
    const std::string page = config_manual();
    for (const ReferenceTable& table : config_tables()) {
      for (const ReferenceEntry& entry : table.entries) {
        CAPTURE(entry.key);
        CHECK(has(page, ".TP\n\\fB" + roff_text(entry.key) + "\\fR " + roff_text(entry.type)));
      }
    }
    CHECK(has(page, "\\fBinterval\\fR duration, default \\(dq15s\\(dq (1s to 10m)\n"));
  }

  TEST_CASE("say of a command what it needs and whether it takes more") {
    const std::string page = program_manual();
    CHECK(has(page, ".SS publish URL [OPTION]...\n"));
    CHECK(has(page, ".SS token \\-\\-key\\-file VALUE [OPTION]...\n"));
    CHECK(has(page, ".SS version\nThe version of the program and of its libraries.\n.SH "));
    CHECK(has(page, "\\fB\\-\\-stream\\fR\n"));
    CHECK(has(page, "\\fB\\-\\-topic\\fR VALUE\n"));
  }
}

TEST_SUITE("text of a manual page") {
  TEST_CASE("is never read as a request") {
    CHECK(roff_text("a\n.b") == "a .b");
    CHECK(has(Roff("n", 1, "s").paragraph(".so /etc/passwd").page(), "\n\\&.so /etc/passwd\n"));
    CHECK(has(Roff("n", 1, "s").paragraph("'so x").page(), "\n\\(cqso x\n"));
    CHECK(roff_text("\\fBbold") == "\\efBbold");
  }

  TEST_CASE("shows what people copy as it is") {
    CHECK(roff_text("`--claim 'a'` and the client's") ==
          "\\fB\\-\\-claim \\(aqa\\(aq\\fR and the client\\(cqs");
    CHECK(roff_text("~^\"") == "\\(ti\\(ha\\(dq");
  }

  TEST_CASE("knows every character") {
    CHECK(roff_text("… é 😀") == "\\[u2026] \\[u00E9] \\[u1F600]");
  }

  TEST_CASE("keeps the names of links, and brackets that are none") {
    CHECK(roff_text("In a [[route]]: [page.md](page.md) shows [{ x }].") ==
          "In a [[route]]: page.md shows [{ x }].");
  }

  TEST_CASE("keeps examples line by line, and fills the rest") {
    const std::string page = Roff("n", 1, "s").prose("One\ntwo.\n  a  b\n\n  c\nThree.\n").page();
    CHECK(has(page, ".PP\nOne two.\n.PP\n.nf\n  a  b\n.fi\n.PP\n.nf\n  c\n.fi\n.PP\nThree.\n"));
  }
}

}  // namespace
}  // namespace sluice::server
