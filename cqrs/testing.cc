#include "skald/cqrs/testing.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <stdexcept>

#include "base/glob.h"

namespace skald::cqrs {
namespace {

constexpr std::size_t kShownBytesMax = 64;

std::string line_of(const Shown& shown) {
    return shown.data.empty() ? shown.name : fmt::format("{} {}", shown.name, shown.data);
}

std::string lines_of(const ShownDecision& decision) {
    if (decision.values.empty()) {
        return "    nothing\n";
    }
    std::string lines;
    for (const Shown& shown : decision.values) {
        lines += fmt::format("    {}{}\n", decision.rejected ? "rejected: " : "", line_of(shown));
    }
    return lines;
}

const std::string* field_of(const Shown& shown, const std::string& name) {
    const auto found = std::find_if(shown.fields.begin(), shown.fields.end(),
                                    [&](const auto& field) { return field.first == name; });
    return found == shown.fields.end() ? nullptr : &found->second;
}

// Of two values of one type: the fields in which they differ.
std::string fields_apart(const Shown& expected, const Shown& actual, std::size_t nth) {
    std::string lines;
    for (const auto& [name, wanted] : expected.fields) {
        const std::string* found = field_of(actual, name);
        if (found != nullptr && *found != wanted) {
            lines += fmt::format("    {}. {}.{}: expected {}, came {}\n", nth, expected.name, name,
                                 wanted, *found);
        }
    }
    return lines;
}

std::string apart(const Shown* expected, const Shown* actual, std::size_t nth) {
    if (expected == nullptr) {
        return fmt::format("    {}. nothing was expected, came {}\n", nth, actual->name);
    }
    if (actual == nullptr) {
        return fmt::format("    {}. expected {}, came nothing\n", nth, expected->name);
    }
    if (expected->name != actual->name) {
        return fmt::format("    {}. expected {}, came {}\n", nth, expected->name, actual->name);
    }
    return *expected == *actual ? "" : fields_apart(*expected, *actual, nth);
}

std::string differences(const ShownDecision& expected, const ShownDecision& actual) {
    if (expected.rejected != actual.rejected) {
        return expected.rejected ? "    it was to be rejected\n"
                                 : "    it was not to be rejected\n";
    }
    std::string lines;
    const std::size_t most = std::max(expected.values.size(), actual.values.size());
    for (std::size_t i = 0; i < most; ++i) {
        lines += apart(i < expected.values.size() ? &expected.values[i] : nullptr,
                       i < actual.values.size() ? &actual.values[i] : nullptr, i + 1);
    }
    return lines;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Verdict& verdict) {
    return out << (verdict.ok() ? "as expected" : verdict.text());
}

void must_hold(const Verdict& verdict) {
    if (!verdict.ok()) {
        throw std::logic_error(verdict.text());
    }
}

Verdict compare(const std::vector<Shown>& given, const Shown& when, const ShownDecision& expected,
                const ShownDecision& actual) {
    if (expected.rejected == actual.rejected && expected.values == actual.values) {
        return {};
    }
    std::string text = "given\n";
    for (const Shown& shown : given) {
        text += fmt::format("    {}\n", line_of(shown));
    }
    text += fmt::format("when\n    {}\n", line_of(when));
    text += "expected\n" + lines_of(expected);
    text += "came\n" + lines_of(actual);
    const std::string where = differences(expected, actual);
    return Verdict(where.empty() ? text : text + "difference\n" + where);
}

std::string type_name(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
    std::string text = status == 0 ? name.get() : type.name();
    const std::size_t scope = text.rfind("::");
    return scope == std::string::npos || text.back() == '>' ? text : text.substr(scope + 2);
}

std::string shown_bytes(std::string_view bytes) {
    if (is_utf8(bytes) && bytes.find('\0') == std::string_view::npos) {
        return std::string(bytes);
    }
    std::string text = fmt::format("{} bytes", bytes.size());
    for (const char byte : bytes.substr(0, kShownBytesMax)) {
        text += fmt::format(" {:02x}", static_cast<unsigned char>(byte));
    }
    return text + (bytes.size() > kShownBytesMax ? " ..." : "");
}

}  // namespace skald::cqrs
