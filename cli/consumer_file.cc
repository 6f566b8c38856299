#include "cli/consumer_file.h"

#include <fmt/format.h>

#include <array>

#include "base/limits.h"
#include "cli/arguments.h"
#include "cli/consumer_words.h"
#include "cli/selection.h"
#include "cqrs/declared_toml.h"

namespace skald::cli {
namespace {

using std::chrono::milliseconds;

// Of a key that names what a filter's events have in common.
struct FilterKind {
    std::string_view key;
    Selection (*make)(std::string name);
};
constexpr std::array<FilterKind, 4> kFilterKinds{{{"stream", Selection::stream},
                                                  {"category", Selection::category},
                                                  {"type", Selection::type},
                                                  {"correlation", Selection::correlation}}};

// Reads one file; each step takes a key that may be missing.
class Reader {
  public:
    Reader(const std::string& file, const toml::table& root) : file_(file), root_(root) {}

    Result<ConsumerSettings> read() {
        using Step = Result<void> (Reader::*)();
        for (const Step step : {&Reader::check, &Reader::read_name, &Reader::read_mode,
                                &Reader::read_start, &Reader::read_filter, &Reader::read_delivery,
                                &Reader::read_backoff, &Reader::read_queue}) {
            if (auto ok = (this->*step)(); !ok) {
                return ok.error();
            }
        }
        return std::move(settings_);
    }

  private:
    Result<void> check() {
        return file_.check_keys(root_, "",
                                {"name", "mode", "key", "start", "filter", "ack_timeout",
                                 "max_deliveries", "in_flight", "backoff", "queue"});
    }

    Result<void> read_name() {
        const toml::node* node = root_.get("name");
        if (node == nullptr) {
            return file_.lacks(root_, "name", "the consumer's name");
        }
        return read_text(node, "name", settings_.name);
    }

    Result<void> read_mode() {
        if (auto ok = read_word(root_.get("mode"), "mode", kModeWords, settings_.mode); !ok) {
            return ok;
        }
        const toml::node* key = root_.get("key");
        if (key != nullptr && settings_.mode != ConsumerMode::per_key) {
            return file_.at(key->source(), "`key` is for mode = \"per_key\"");
        }
        return read_text(key, "key", settings_.key);
    }

    Result<void> read_start() {
        const toml::node* node = root_.get("start");
        if (node == nullptr) {
            return {};
        }
        constexpr std::string_view kExpected =
            "\"beginning\", \"end\", an offset, a position or \"@TIME\" (RFC 3339)";
        if (const auto offset = node->value_exact<std::int64_t>(); offset && *offset >= 0) {
            settings_.start = Offset{static_cast<std::uint64_t>(*offset)};
            return {};
        }
        const auto text = node->value_exact<std::string>();
        auto start = parse_start(text.value_or(""), Selection::all());
        if (!text || text->empty() || !start) {
            return file_.wrong(*node, "start", kExpected);
        }
        settings_.start = std::move(*start);
        return {};
    }

    Result<void> read_filter() {
        const auto table =
            table_of("filter", {"stream", "category", "type", "correlation", "types", "streams"});
        if (!table || *table == nullptr) {
            return table ? Result<void>() : table.error();
        }
        for (const FilterKind& kind : kFilterKinds) {
            const toml::node* node = (*table)->get(kind.key);
            if (node == nullptr) {
                continue;
            }
            if (settings_.selection.kind != Selection::Kind::all) {
                return file_.at(node->source(),
                                "a filter has one of `stream`, `category`, `type` and "
                                "`correlation`");
            }
            std::string name;
            if (auto ok = read_text(node, fmt::format("filter.{}", kind.key), name); !ok) {
                return ok;
            }
            settings_.selection = kind.make(std::move(name));
        }
        if (auto ok = read_globs(**table, "types", settings_.selection.types); !ok) {
            return ok;
        }
        return read_globs(**table, "streams", settings_.selection.streams);
    }

    Result<void> read_delivery() {
        if (auto ok = read_time(root_.get("ack_timeout"), "ack_timeout", {limits::kAckTimeoutMin},
                                settings_.ack_timeout);
            !ok) {
            return ok;
        }
        if (auto ok = read_number(root_.get("max_deliveries"), "max_deliveries", 0, UINT32_MAX,
                                  settings_.max_deliveries);
            !ok) {
            return ok;
        }
        return read_number(root_.get("in_flight"), "in_flight", 1, limits::kConsumerInFlightMax,
                           settings_.in_flight);
    }

    Result<void> read_backoff() {
        const auto table = table_of("backoff", {"first", "factor", "most", "jitter"});
        if (!table || *table == nullptr) {
            return table ? Result<void>() : table.error();
        }
        Backoff& backoff = settings_.backoff;
        const toml::node* first = (*table)->get("first");
        if (auto ok = read_time(first, "backoff.first", {milliseconds(0)}, backoff.first); !ok) {
            return ok;
        }
        if (auto ok =
                read_time((*table)->get("most"), "backoff.most", {milliseconds(0)}, backoff.most);
            !ok) {
            return ok;
        }
        if (backoff.first > backoff.most) {
            return file_.at((first != nullptr ? *first : **table).source(),
                            "`backoff.first` is longer than `backoff.most`");
        }
        if (auto ok = read_part((*table)->get("factor"), "backoff.factor", 1,
                                limits::kBackoffFactorMax, backoff.factor);
            !ok) {
            return ok;
        }
        return read_part((*table)->get("jitter"), "backoff.jitter", 0, 1, backoff.jitter);
    }

    Result<void> read_queue() {
        const auto table = table_of("queue", {"max_count", "max_bytes", "when_full", "max_wait"});
        if (!table || *table == nullptr) {
            return table ? Result<void>() : table.error();
        }
        QueueSettings& queue = settings_.queue.emplace();
        if (auto ok = read_number((*table)->get("max_count"), "queue.max_count", 1,
                                  limits::kQueueCountMax, queue.max_count);
            !ok) {
            return ok;
        }
        if (auto ok = read_number((*table)->get("max_bytes"), "queue.max_bytes", 1,
                                  limits::kQueueKeptBytesMax, queue.max_bytes);
            !ok) {
            return ok;
        }
        if (auto ok = read_word((*table)->get("when_full"), "queue.when_full", kWhenFullWords,
                                queue.when_full);
            !ok) {
            return ok;
        }
        return read_time((*table)->get("max_wait"), "queue.max_wait",
                         {limits::kQueueWaitMin, limits::kQueueWaitMax}, queue.max_wait);
    }

    // nullptr: there is none.
    Result<const toml::table*> table_of(std::string_view key,
                                        const std::vector<std::string>& known) {
        const toml::node* node = root_.get(key);
        if (node == nullptr) {
            return static_cast<const toml::table*>(nullptr);
        }
        const toml::table* table = node->as_table();
        if (table == nullptr) {
            return file_.wrong(*node, key, "a table");
        }
        auto ok = file_.check_keys(*table, fmt::format("{}.", key), known);
        return ok ? Result<const toml::table*>(table) : ok.error();
    }

    Result<void> read_text(const toml::node* node, std::string_view key, std::string& to) {
        if (node != nullptr) {
            auto text = file_.text(*node, key, "a string");
            if (!text || text->empty()) {
                return file_.wrong(*node, key, "a string that is not empty");
            }
            to = std::move(*text);
        }
        return {};
    }

    Result<void> read_globs(const toml::table& filter, std::string_view key,
                            std::vector<std::string>& to) {
        if (const toml::node* node = filter.get(key)) {
            auto globs = file_.texts(*node, fmt::format("filter.{}", key), limits::kGlobsMax);
            if (!globs) {
                return globs.error();
            }
            to = std::move(*globs);
        }
        return {};
    }

    // One of the words for an enum's values, in their order.
    template <typename Enum>
    Result<void> read_word(const toml::node* node, std::string_view key, const Words& words,
                           Enum& to) {
        if (node == nullptr) {
            return {};
        }
        const auto text = node->value_exact<std::string>();
        const auto* const word = std::find(words.begin(), words.end(), text.value_or(""));
        if (word == words.end()) {
            return file_.wrong(
                *node, key, fmt::format("\"{}\", \"{}\" or \"{}\"", words[0], words[1], words[2]));
        }
        to = static_cast<Enum>(word - words.begin());
        return {};
    }

    struct TimeRange {
        milliseconds least;
        milliseconds most = limits::kWorkTimeMax;
    };
    Result<void> read_time(const toml::node* node, std::string_view key, TimeRange range,
                           milliseconds& to) {
        if (node == nullptr) {
            return {};
        }
        const std::string text = node->value_exact<std::string>().value_or("");
        const auto time = text == "0s" ? std::chrono::microseconds(0) : parse_duration(text);
        if (!time || *time < range.least || *time > range.most) {
            return file_.wrong(*node, key,
                               fmt::format("a time from {} to {}, as \"30s\"",
                                           time_text(range.least), time_text(range.most)));
        }
        to = std::chrono::ceil<milliseconds>(*time);
        return {};
    }

    template <typename Number>
    Result<void> read_number(const toml::node* node, std::string_view key, std::int64_t least,
                             std::int64_t most, Number& to) {
        if (node == nullptr) {
            return {};
        }
        const auto number = node->value_exact<std::int64_t>();
        if (!number || *number < least || *number > most) {
            return file_.wrong(*node, key, fmt::format("an integer from {} to {}", least, most));
        }
        to = static_cast<Number>(*number);
        return {};
    }

    Result<void> read_part(const toml::node* node, std::string_view key, double least, double most,
                           double& to) {
        if (node == nullptr) {
            return {};
        }
        const auto number = node->value<double>();
        if (!node->is_number() || !number || !(*number >= least && *number <= most)) {
            return file_.wrong(*node, key, fmt::format("a number from {} to {}", least, most));
        }
        to = *number;
        return {};
    }

    const cqrs::TomlFile file_;
    const toml::table& root_;
    ConsumerSettings settings_;
};

}  // namespace

Result<ConsumerSettings> parse_consumer_file(const std::string& file, std::string_view text) {
    auto root = cqrs::TomlFile(file).parse(text);
    return root ? Reader(file, *root).read() : root.error();
}

}  // namespace skald::cli
