#include "coord/setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <compare>

#include "base/duration.h"
#include "base/glob.h"
#include "base/json_scanner.h"
#include "coord/limits.h"
#include "coord/record.h"

namespace skald::coord {
namespace {

constexpr struct {
    SettingType type;
    const char* name;
    const char* problem;
} kTypes[] = {{SettingType::text, "text", "not UTF-8"},
              {SettingType::integer, "integer", "not an integer"},
              {SettingType::number, "number", "not a number"},
              {SettingType::boolean, "boolean", "neither true nor false"},
              {SettingType::duration, "duration", "not a duration, as 250ms, 10s or 7d"},
              {SettingType::json, "json", "not JSON"}};

template <typename Number>
std::optional<Number> parse(std::string_view text) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data(), end, number);
    return problem == std::errc{} && rest == end ? std::optional(number) : std::nullopt;
}

std::optional<std::string> read(std::string_view text, std::type_identity<std::string>) {
    return is_utf8(text) ? std::optional<std::string>(text) : std::nullopt;
}
std::optional<std::int64_t> read(std::string_view text, std::type_identity<std::int64_t>) {
    return parse<std::int64_t>(text);
}
std::optional<double> read(std::string_view text, std::type_identity<double>) {
    const auto number = parse<double>(text);
    return number && std::isfinite(*number) ? number : std::nullopt;
}
std::optional<bool> read(std::string_view text, std::type_identity<bool>) {
    return text == "true" || text == "false" ? std::optional(text == "true") : std::nullopt;
}
std::optional<std::chrono::microseconds> read(std::string_view text,
                                              std::type_identity<std::chrono::microseconds>) {
    const auto time = parse_duration(text);
    return time && *time <= kSettingDurationMax ? time : std::nullopt;
}

template <typename Type>
std::optional<Type> read(std::string_view text) {
    return read(text, std::type_identity<Type>{});
}

bool is_of(SettingType type, std::string_view text) {
    switch (type) {
        case SettingType::text:
            return is_utf8(text);
        case SettingType::integer:
            return read<std::int64_t>(text).has_value();
        case SettingType::number:
            return read<double>(text).has_value();
        case SettingType::boolean:
            return read<bool>(text).has_value();
        case SettingType::duration:
            return read<std::chrono::microseconds>(text).has_value();
        case SettingType::json:
            return is_json(text);
    }
    return false;
}

bool has_bounds(SettingType type) {
    return type == SettingType::integer || type == SettingType::number ||
           type == SettingType::duration;
}

// Of two texts of a type that has bounds.
bool less(SettingType type, std::string_view a, std::string_view b) {
    switch (type) {
        case SettingType::integer:
            return *read<std::int64_t>(a) < *read<std::int64_t>(b);
        case SettingType::number:
            return *read<double>(a) < *read<double>(b);
        default:
            return *read<std::chrono::microseconds>(a) < *read<std::chrono::microseconds>(b);
    }
}

const char* problem_of(SettingType type) {
    return kTypes[static_cast<std::size_t>(type)].problem;
}

constexpr std::size_t kShownBytes = 64;

// For a message of one line.
std::string shown(std::string_view text) {
    return text.size() <= kShownBytes ? fmt::format("{:?}", text)
                                      : fmt::format("{:?}...", utf8_prefix(text, kShownBytes));
}

std::string shown(const std::string& value, const SettingDeclaration& declaration) {
    return has_bounds(declaration.type) && is_of(declaration.type, value) &&
                   value.size() <= kShownBytes
               ? value
               : shown(value);
}

template <typename Type>
Result<Type> read_or_refuse(const std::string& text, SettingType type) {
    auto value = read<Type>(text);
    return value ? Result<Type>(std::move(*value))
                 : refused(fmt::format("{}: {}", shown(text), problem_of(type)));
}

// What is wrong with it; empty: nothing.
std::string problem_of(const std::string& value, const SettingDeclaration& declaration) {
    const SettingType type = declaration.type;
    if (!is_of(type, value)) {
        return problem_of(type);
    }
    if (declaration.least && less(type, value, *declaration.least)) {
        return "at least " + *declaration.least;
    }
    if (declaration.most && less(type, *declaration.most, value)) {
        return "at most " + *declaration.most;
    }
    const auto& choices = declaration.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
        std::string all;
        for (const std::string& choice : choices) {
            all += (all.empty() ? "" : ", ") + choice;
        }
        constexpr std::size_t kAllBytes = 256;
        return fmt::format("one of {}{}", utf8_prefix(all, kAllBytes),
                           all.size() > kAllBytes ? "..." : "");
    }
    return {};
}

Result<void> check_bound(const SettingDeclaration& declaration, const char* what,
                         const std::optional<std::string>& bound) {
    if (bound && !has_bounds(declaration.type)) {
        return refused(fmt::format("{}: only integers, numbers and durations have a {}",
                                   declaration.key, what));
    }
    return !bound || is_of(declaration.type, *bound)
               ? Result<void>()
               : refused(fmt::format("the {} of {} = {}: {}", what, declaration.key, shown(*bound),
                                     problem_of(declaration.type)));
}

Result<void> check_choices(const SettingDeclaration& declaration) {
    const auto& choices = declaration.choices;
    if (!choices.empty() && declaration.type != SettingType::text) {
        return refused(fmt::format("{}: only texts have choices", declaration.key));
    }
    if (choices.size() > kSettingChoicesMax) {
        return refused(fmt::format("{}: up to {} choices", declaration.key, kSettingChoicesMax));
    }
    for (const std::string& choice : choices) {
        if (auto ok = check_text("a choice", choice, kSettingTextBytesMax); !ok) {
            return ok;
        }
    }
    return {};
}

std::optional<std::string> optional_in(const Record& record, const char* field) {
    return record.contains(field) ? std::optional(text_in(record, field)) : std::nullopt;
}

}  // namespace

std::string_view name_of(SettingType type) {
    return kTypes[static_cast<std::size_t>(type)].name;
}

std::optional<SettingType> parse_setting_type(std::string_view name) {
    const auto* it = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const auto& each) { return each.name == name; });
    return it == std::end(kTypes) ? std::nullopt : std::optional(it->type);
}

std::string_view name_of(SettingSource source) {
    switch (source) {
        case SettingSource::service:
            return "service";
        case SettingSource::defaults:
            return "defaults";
        case SettingSource::declared:
            break;
    }
    return "declared";
}

template <>
Result<std::string> setting_as(const std::string& text) {
    return read_or_refuse<std::string>(text, SettingType::text);
}
template <>
Result<std::int64_t> setting_as(const std::string& text) {
    return read_or_refuse<std::int64_t>(text, SettingType::integer);
}
template <>
Result<double> setting_as(const std::string& text) {
    return read_or_refuse<double>(text, SettingType::number);
}
template <>
Result<bool> setting_as(const std::string& text) {
    return read_or_refuse<bool>(text, SettingType::boolean);
}
template <>
Result<std::chrono::microseconds> setting_as(const std::string& text) {
    return read_or_refuse<std::chrono::microseconds>(text, SettingType::duration);
}

Result<void> check_value(std::string_view key, const std::string& value,
                         const SettingDeclaration* declaration) {
    static const SettingDeclaration undeclared;
    const SettingDeclaration& by = declaration == nullptr ? undeclared : *declaration;
    std::string problem;
    if (value.size() > kSettingValueBytesMax) {
        problem = fmt::format("{} bytes, at most {}", value.size(), kSettingValueBytesMax);
    } else if (!is_utf8(value)) {
        problem = problem_of(SettingType::text);
    } else {
        problem = problem_of(value, by);
    }
    return problem.empty() ? Result<void>()
                           : refused(fmt::format("{} = {}: {}", key, shown(value, by), problem));
}

Result<void> check_declaration(const SettingDeclaration& declaration) {
    auto ok = check_name("a service", declaration.service, kSettingNameBytesMax);
    ok = ok ? check_name("a key", declaration.key, kSettingNameBytesMax) : ok;
    ok = ok ? check_bound(declaration, "least", declaration.least) : ok;
    ok = ok ? check_bound(declaration, "most", declaration.most) : ok;
    ok = ok ? check_choices(declaration) : ok;
    if (!ok) {
        return ok;
    }
    if (declaration.least && declaration.most &&
        less(declaration.type, *declaration.most, *declaration.least)) {
        return refused(fmt::format("{}: at least {} and at most {}", declaration.key,
                                   *declaration.least, *declaration.most));
    }
    if (declaration.description.size() > kSettingDescriptionBytesMax ||
        !is_utf8(declaration.description)) {
        return refused(
            fmt::format("a description has up to {} bytes of UTF-8", kSettingDescriptionBytesMax));
    }
    if (text_of(declaration).size() > kValueBytesMax) {
        return refused(fmt::format("{}: its declaration takes more than {} bytes as JSON",
                                   declaration.key, kValueBytesMax));
    }
    return declaration.fallback ? check_value(declaration.key, *declaration.fallback, &declaration)
                                : Result<void>();
}

std::string text_of(const SettingDeclaration& declaration) {
    Record record{{"type", name_of(declaration.type)}};
    const auto add = [&](const char* field, const std::optional<std::string>& text) {
        if (text) {
            record[field] = *text;
        }
    };
    add("fallback", declaration.fallback);
    add("least", declaration.least);
    add("most", declaration.most);
    if (!declaration.choices.empty()) {
        record["choices"] = declaration.choices;
    }
    if (!declaration.description.empty()) {
        record["description"] = declaration.description;
    }
    return text_of(record);
}

Result<SettingDeclaration> declaration_of(const std::string& service, const std::string& key,
                                          std::string_view text) {
    const Record record = record_of(text);
    const auto type = parse_setting_type(text_in(record, "type"));
    if (!type) {
        return refused(fmt::format("the declaration of {} is not understood", key));
    }
    SettingDeclaration declaration{service,
                                   key,
                                   *type,
                                   optional_in(record, "fallback"),
                                   optional_in(record, "least"),
                                   optional_in(record, "most"),
                                   {},
                                   text_in(record, "description")};
    for (const Record& choice : record.value("choices", Record::array())) {
        declaration.choices.push_back(choice.is_string() ? choice.get<std::string>() : "");
    }
    const auto ok = check_declaration(declaration);
    return ok ? Result<SettingDeclaration>(std::move(declaration)) : ok.error();
}

std::string text_of(const KeptChange& change) {
    Record record{{"by", change.by}, {"at_us", change.at.us}, {"change", change.id}};
    if (change.value) {
        record["value"] = *change.value;
    }
    return text_of(record);
}

KeptChange change_of(std::string_view text) {
    const Record record = record_of(text);
    const auto value = record.find("value");
    return {value != record.end() && value->is_string() ? std::optional(value->get<std::string>())
                                                        : std::nullopt,
            text_in(record, "by"), time_in(record, "at_us"), text_in(record, "change")};
}

}  // namespace skald::coord
