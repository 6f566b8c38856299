// TOML with places: what a declaration's readers take from it, and how they say what is wrong:
// `work.toml:3:8: `version` must be an integer from 1 up, found the string "two"`.
//
// Threads: any. Errors are invalid_argument.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/result.h"

// The other way round, LMDB's macros would be TOML's names.
#include <toml++/toml.h>

namespace skald::cqrs {

class TomlFile {
  public:
    explicit TomlFile(std::string name) : name_(std::move(name)) {}

    Result<toml::table> parse(std::string_view text) const;

    Error at(const toml::source_region& place, std::string_view message) const;
    // `what` is the key, as `on.key`.
    Error wrong(const toml::node& node, std::string_view what, std::string_view expected) const;
    Error lacks(const toml::table& table, std::string_view what, std::string_view expected) const;
    // The first key that is none of these; `inside` is the table's name and a dot, or empty.
    Result<void> check_keys(const toml::table& table, std::string_view inside,
                            const std::vector<std::string>& known) const;

    Result<std::string> text(const toml::node& node, std::string_view what,
                             std::string_view expected) const;
    Result<bool> boolean(const toml::node& node, std::string_view what) const;
    // One string, or a list of at most `most` of them, none empty.
    Result<std::vector<std::string>> texts(const toml::node& node, std::string_view what,
                                           std::size_t most) const;
    // A list of tables, as [[what]] makes it.
    Result<std::vector<const toml::table*>> tables(const toml::node& node, std::string_view what,
                                                   std::size_t most) const;

  private:
    std::string name_;
};

// As JSON. invalid_argument for what JSON has not: dates, infinity.
Result<std::string> json_of(const toml::node& node);
// In the order of the file.
std::vector<std::pair<toml::key, const toml::node*>> in_order(const toml::table& table);
// "the string "two"", "a table"
std::string found_in(const toml::node& node);

}  // namespace skald::cqrs
