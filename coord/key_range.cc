#include "skald/coord.h"

namespace skald::coord {

KeyRange KeyRange::prefix(std::string prefix) {
    std::string end = prefix;
    while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) {
        end.pop_back();
    }
    if (!end.empty()) {
        end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
    }
    return {std::move(prefix), std::move(end)};
}

bool KeyRange::contains(std::string_view other) const {
    return end ? other >= key && (end->empty() || other < *end) : other == key;
}

}  // namespace skald::coord
