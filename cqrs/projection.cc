#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "skald/cqrs/event_handlers.h"

namespace skald::cqrs {
namespace {

// A selection takes 64 globs.
constexpr std::size_t kTypesSelected = 60;

// A type's name is not to be read as a glob.
bool is_plain(const std::string& type) {
    return type.find_first_of("*?[]") == std::string::npos;
}

}  // namespace

void check_handler(bool added, std::string_view type) {
    SKALD_CHECK(added, fmt::format("two handlers of one projection for {}", type));
}

Selection selection_of(const std::vector<std::string>& types) {
    Selection selection = Selection::all();
    if (types.size() == 1 && is_plain(types[0])) {
        return Selection::type(types[0]);
    }
    if (types.size() <= kTypesSelected && std::all_of(types.begin(), types.end(), is_plain)) {
        selection.types = types;
    }
    return selection;
}

}  // namespace skald::cqrs
