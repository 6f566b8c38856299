// How a command declares its arguments. One file knows the parser behind it, so that commands build
// fast and help, completion and errors come out alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration.h"  // IWYU pragma: export

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace skald::cli {

// One argument, to say more about it.
class Argument {
  public:
    explicit Argument(CLI::Option* option) : option_(option) {}
    Argument& required();
    // Together with the other: a usage error.
    Argument& excludes(const Argument& other);
    Argument& needs(const Argument& other);
    // Nothing but these words; help and completion list them.
    Argument& one_of(std::vector<std::string> words);
    // Another file's or directory's name, for completion.
    Argument& path();
    Argument& range(std::uint64_t low, std::uint64_t high);

  private:
    CLI::Option* option_;
};

// Reads a word; returns what is wrong with it, or nothing.
using ParseWord = std::function<std::optional<std::string>(const std::string&)>;

// `names` is "--long", "-s,--long", or "name" for an argument by place. `kind` names the value in
// --help. Variables must outlive the parse; a command owns them in a shared struct.
class Arguments {
  public:
    explicit Arguments(CLI::App& app) : app_(app) {}

    Argument flag(std::string_view names, bool& to, std::string_view help);
    Argument text(std::string_view names, std::string_view kind, std::string& to,
                  std::string_view help);
    Argument text(std::string_view names, std::string_view kind, std::optional<std::string>& to,
                  std::string_view help);
    // May be given again and again.
    Argument list(std::string_view names, std::string_view kind, std::vector<std::string>& to,
                  std::string_view help);
    Argument number(std::string_view names, std::string_view kind, std::uint64_t& to,
                    std::string_view help);
    Argument number(std::string_view names, std::string_view kind, std::optional<std::uint64_t>& to,
                    std::string_view help);
    Argument parsed(std::string_view names, std::string_view kind, ParseWord parse,
                    std::string_view help);
    // Times as 250ms, 10s, 5m, 24h, 7d.
    Argument duration(std::string_view names, std::string_view kind,
                      std::optional<std::chrono::microseconds>& to, std::string_view help);

  private:
    CLI::App& app_;
};

}  // namespace skald::cli
