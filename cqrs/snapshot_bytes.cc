#include "cqrs/snapshot_bytes.h"

#include "base/bytes.h"
#include "cqrs/limits.h"

namespace skald::cqrs {
namespace {

constexpr std::uint32_t kMagic = 0x32674173;  // "sAg2"

// Takes a value from the front; false when there are too few bytes.
template <typename T>
bool take(std::string_view& bytes, T& value) {
    if (bytes.size() < sizeof value) {
        return false;
    }
    value = load_as<T>(bytes.data());
    bytes.remove_prefix(sizeof value);
    return true;
}

}  // namespace

std::string encode_snapshot(const Uuid& last_id, const CommandWindow& commands,
                            std::string_view state) {
    std::string bytes;
    append_as(bytes, kMagic);
    append_as(bytes, last_id.bytes);
    append_as(bytes, static_cast<std::uint32_t>(commands.capacity()));
    append_as(bytes, static_cast<std::uint32_t>(commands.entries().size()));
    for (const CommandWindow::Entry& entry : commands.entries()) {
        append_as(bytes, entry.key.bytes);
        append_as(bytes, entry.first.value);
        append_as(bytes, entry.events);
    }
    bytes += state;
    return bytes;
}

std::optional<SnapshotContent> decode_snapshot(std::string_view bytes) {
    SnapshotContent content;
    std::uint32_t magic = 0;
    std::uint32_t remembered = 0;
    std::uint32_t commands = 0;
    if (!take(bytes, magic) || magic != kMagic || !take(bytes, content.last_id.bytes) ||
        !take(bytes, remembered) || remembered > limits::kCommandsRememberedMax ||
        !take(bytes, commands) || commands > remembered) {
        return std::nullopt;
    }
    content.commands_remembered = remembered;
    for (std::uint32_t i = 0; i < commands; ++i) {
        CommandWindow::Entry entry;
        if (!take(bytes, entry.key.bytes) || !take(bytes, entry.first.value) ||
            !take(bytes, entry.events)) {
            return std::nullopt;
        }
        content.commands.push_back(entry);
    }
    content.state = bytes;
    return content;
}

}  // namespace skald::cqrs
