// Values of settings and what is declared of them, without any store. Private to coord/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "skald/configuration.h"

namespace skald::coord {

// Of a value that somebody wants to set: its size, that it is UTF-8, and that it conforms to the
// declaration, if there is one. invalid_argument: `KEY = VALUE: ` and what is wrong.
Result<void> check_value(std::string_view key, const std::string& value,
                         const SettingDeclaration* declaration);
// All of it, the names included.
Result<void> check_declaration(const SettingDeclaration& declaration);

// What the keys hold. invalid_argument: it is not understood, somebody else wrote it.
std::string text_of(const SettingDeclaration& declaration);
Result<SettingDeclaration> declaration_of(const std::string& service, const std::string& key,
                                          std::string_view text);

// What is kept of a change: its last one is the value.
struct KeptChange {
    std::optional<std::string> value;  // none: it was removed
    std::string by;
    Time at;
    std::string id;  // by which its writer knows it again
};
std::string text_of(const KeptChange& change);
KeptChange change_of(std::string_view text);

}  // namespace skald::coord
