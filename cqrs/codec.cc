#include "skald/cqrs/codec.h"

#include <fmt/format.h>

#include "base/check.h"
#include "cqrs/limits.h"

namespace skald::cqrs {

void check_version(std::string_view type, std::uint32_t version) {
    SKALD_CHECK(version > 0, fmt::format("{}: versions count from 1", type));
}

void check_field(std::string_view type, std::string_view field, std::size_t fields, bool doubled) {
    SKALD_CHECK(fields < limits::kFieldsMax, fmt::format("{} has too many fields", type));
    SKALD_CHECK(!doubled, fmt::format("{} has two fields {}", type, field));
}

void check_nested(std::string_view type, bool fields_only) {
    SKALD_CHECK(fields_only,
                fmt::format("{} has upcasts or a codec and is used as a field: a field has no "
                            "version and no content type",
                            type));
}

Error naming(std::string_view type, const Error& error) {
    Error named = error;
    named.message = fmt::format("{}: {}", type, error.message);
    return named;
}

}  // namespace skald::cqrs
