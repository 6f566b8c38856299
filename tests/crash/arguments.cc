#include "tests/crash/arguments.h"

#include <cstdio>
#include <cstdlib>

namespace skald::crash {

Arguments::Arguments(int count, char** values, std::string_view known) {
    for (int i = 1; i < count; ++i) {
        const std::string name = values[i];
        if (!name.starts_with("--") || known.find(" " + name + " ") == std::string_view::npos) {
            std::fprintf(stderr, "%s: unknown argument %s; known:%s\n", values[0], values[i],
                         std::string(known).c_str());
            std::exit(2);
        }
        const bool valued = i + 1 < count && !std::string_view(values[i + 1]).starts_with("--");
        values_[name] = valued ? values[++i] : "";
    }
}

std::string Arguments::text(const std::string& name, const std::string& otherwise) const {
    const auto at = values_.find(name);
    return at == values_.end() ? otherwise : at->second;
}

std::uint64_t Arguments::number(const std::string& name, std::uint64_t otherwise) const {
    const auto at = values_.find(name);
    return at == values_.end() ? otherwise : std::strtoull(at->second.c_str(), nullptr, 10);
}

}  // namespace skald::crash
