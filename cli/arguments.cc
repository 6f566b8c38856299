#include "cli/arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>

namespace skald::cli {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

CLI::Option* add(CLI::App& app, std::string_view names, std::string_view kind, ParseWord parse,
                 std::string_view help, bool many = false) {
    const std::string name(names.substr(names.rfind(',') + 1));
    const auto read = [name, parse = std::move(parse)](const CLI::results_t& words) {
        for (const std::string& word : words) {
            if (auto problem = parse(word)) {
                throw CLI::ValidationError(fmt::format("{} `{}`", name, word), *problem);
            }
        }
        return true;
    };
    CLI::Option* option = app.add_option(std::string(names), read, std::string(help));
    option->type_name(std::string(kind));
    if (many) {
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
            ->expected(1)
            ->allow_extra_args(false);
    }
    return option;
}

template <typename Int>
ParseWord number_reader(Int& to) {
    return [&to](const std::string& word) -> std::optional<std::string> {
        const auto value = parse_number(word);
        if (!value) {
            return "not a whole number";
        }
        to = *value;
        return std::nullopt;
    };
}

template <typename Text>
ParseWord text_reader(Text& to) {
    return [&to](const std::string& word) -> std::optional<std::string> {
        to = word;
        return std::nullopt;
    };
}

}  // namespace

Argument& Argument::required() {
    option_->required();
    return *this;
}

Argument& Argument::excludes(const Argument& other) {
    option_->excludes(other.option_);
    return *this;
}

Argument& Argument::needs(const Argument& other) {
    option_->needs(other.option_);
    return *this;
}

Argument& Argument::one_of(std::vector<std::string> words) {
    const std::string listed = fmt::format("{}", fmt::join(words, "|"));
    option_->type_name(listed);
    option_->check([words = std::move(words), listed](const std::string& word) -> std::string {
        const bool known = std::find(words.begin(), words.end(), word) != words.end();
        return known ? std::string() : fmt::format("`{}` is not one of {}", word, listed);
    });
    return *this;
}

Argument& Argument::path() {
    // What the completion scripts look for.
    option_->type_name("PATH");
    return *this;
}

Argument& Argument::range(std::uint64_t low, std::uint64_t high) {
    option_->check([low, high](const std::string& word) -> std::string {
        const auto value = parse_number(word);
        if (value && *value >= low && *value <= high) {
            return {};
        }
        return fmt::format("`{}` is not a number from {} to {}", word, low, high);
    });
    return *this;
}

Argument Arguments::flag(std::string_view names, bool& to, std::string_view help) {
    return Argument(app_.add_flag(std::string(names), to, std::string(help)));
}

Argument Arguments::text(std::string_view names, std::string_view kind, std::string& to,
                         std::string_view help) {
    return Argument(add(app_, names, kind, text_reader(to), help));
}

Argument Arguments::text(std::string_view names, std::string_view kind,
                         std::optional<std::string>& to, std::string_view help) {
    return Argument(add(app_, names, kind, text_reader(to), help));
}

Argument Arguments::list(std::string_view names, std::string_view kind,
                         std::vector<std::string>& to, std::string_view help) {
    const auto push = [&to](const std::string& word) -> std::optional<std::string> {
        to.push_back(word);
        return std::nullopt;
    };
    CLI::Option* option = add(app_, names, kind, push, help, true);
    if (!names.starts_with('-')) {
        option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args();
    }
    return Argument(option);
}

Argument Arguments::number(std::string_view names, std::string_view kind, std::uint64_t& to,
                           std::string_view help) {
    return Argument(add(app_, names, kind, number_reader(to), help));
}

Argument Arguments::number(std::string_view names, std::string_view kind,
                           std::optional<std::uint64_t>& to, std::string_view help) {
    return Argument(add(app_, names, kind, number_reader(to), help));
}

Argument Arguments::parsed(std::string_view names, std::string_view kind, ParseWord parse,
                           std::string_view help) {
    return Argument(add(app_, names, kind, std::move(parse), help, true));
}

Argument Arguments::duration(std::string_view names, std::string_view kind,
                             std::optional<std::chrono::microseconds>& to, std::string_view help) {
    const auto read = [&to](const std::string& word) -> std::optional<std::string> {
        to = parse_duration(word);
        return to ? std::nullopt
                  : std::optional<std::string>("not a duration, as 250ms, 10s, 5m, 24h or 7d");
    };
    return Argument(add(app_, names, kind, read, help));
}

}  // namespace skald::cli
