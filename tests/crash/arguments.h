// `--name value` and `--name`, as the programs here take them. Ends the process at what it does not
// know.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace skald::crash {

class Arguments {
  public:
    // `known`: names with a space on both sides, as " --seed --scratch ".
    Arguments(int count, char** values, std::string_view known);
    bool has(const std::string& name) const { return values_.contains(name); }
    std::string text(const std::string& name, const std::string& otherwise = "") const;
    std::uint64_t number(const std::string& name, std::uint64_t otherwise) const;

  private:
    std::map<std::string, std::string> values_;
};

}  // namespace skald::crash
