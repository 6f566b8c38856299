// Declarations and what they are applied to: whatever comes, a declaration or an error with a
// place; and an event changes rows or fails, and never leaves a row that its own projection cannot
// read. The input is a declaration and events' data, parted by lines of `---`.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/glob.h"
#include "base/json_scanner.h"
#include "skald/cqrs/declared.h"

namespace {

using skald::Result;
using skald::cqrs::RowImage;

class RowsInMemory final : public skald::cqrs::RowChanges {
  public:
    Result<std::optional<std::string_view>> get(std::string_view key) override {
        const auto found = rows_.find(std::string(key));
        return found == rows_.end() ? std::nullopt : std::optional<std::string_view>(found->second);
    }
    Result<void> put(const RowImage& row) override {
        rows_[row.key] = row.json;
        return {};
    }
    Result<bool> erase(std::string_view key) override { return rows_.erase(std::string(key)) > 0; }
    void effect(std::function<void()>) override {}
    bool are_json() const {
        return std::all_of(rows_.begin(), rows_.end(),
                           [](const auto& row) { return skald::is_json(row.second); });
    }

  private:
    std::map<std::string, std::string> rows_;
};

std::string_view take_part(std::string_view& input) {
    constexpr std::string_view kMark = "\n---\n";
    const std::size_t end = std::min(input.find(kMark), input.size());
    const std::string_view part = input.substr(0, end);
    input.remove_prefix(std::min(end + kMark.size(), input.size()));
    return part;
}

void project(const skald::cqrs::Declaration& declaration, std::string_view input) {
    RowsInMemory rows;
    skald::EventView event;
    event.stream = "order-17";
    event.type = "Placed";
    while (!input.empty()) {
        event.data = take_part(input);
        const auto done = declaration.projection.apply(rows, event);
        SKALD_CHECK(done || !done.error().message.empty(), "an error says what it is");
        for (const std::string& key : declaration.poison.keys ? declaration.poison.keys(event)
                                                              : std::vector<std::string>()) {
            SKALD_CHECK(skald::is_utf8(key), "a key that can be parked");
        }
        event.version = event.version + 1;
    }
    SKALD_CHECK(rows.are_json(), "rows that can be read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto declaration = skald::cqrs::parse_declaration("f.toml", take_part(input));
    if (!declaration) {
        SKALD_CHECK(declaration.error().message.starts_with("f.toml:"), "an error has a place");
        return 0;
    }
    project(*declaration, input);
    return 0;
}
