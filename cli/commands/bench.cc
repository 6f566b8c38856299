#include "cli/commands/bench.h"

#include <fmt/format.h>

#include <charconv>

#include "base/limits.h"
#include "cli/commands/commands.h"
#include "cli/json_writer.h"

namespace skald::cli {
namespace {

constexpr std::string_view kWho = "skald";
constexpr std::uint64_t kPayloadMax = 1 << 20;

void declare_connections(Arguments& arguments, BenchOptions& options) {
    arguments.number("--connections", "N", options.connections, "at once; default 1")
        .range(1, 1024);
}

void declare_load(Arguments& arguments, BenchOptions& options) {
    arguments.number("--in-flight", "N", options.in_flight, "appends of a connection; default 1")
        .range(1, 16384);
    arguments.number("--payload", "BYTES", options.payload, "of data of an event; default 128")
        .range(2, kPayloadMax);
    arguments.number("--streams", "N", options.streams, "to spread over; default 1000")
        .range(1, 100'000'000);
    arguments.number("--per-message", "N", options.per_message, "events of an append; default 1")
        .range(1, 4096);
    arguments.number("--seconds", "N", options.seconds, "default 5").range(1, 86400);
    declare_store(arguments, options.store, Create::yes);
}

void declare_pub(Arguments& arguments, BenchOptions& options) {
    declare_connections(arguments, options);
    declare_load(arguments, options);
}

void declare_live(Arguments& arguments, BenchOptions& options) {
    arguments.number("--subscribers", "N", options.connections, "a connection each; default 1")
        .range(1, 1024);
    declare_load(arguments, options);
}

void declare_consume(Arguments& arguments, BenchOptions& options) {
    arguments.number("--members", "N", options.connections, "at once; default 1").range(1, 1000);
    arguments.text("--category", "CATEGORY", options.category, "only these events");
    arguments.flag("--per-key", options.per_key, "in the order of each stream");
}

void declare_work(Arguments& arguments, BenchOptions& options) {
    arguments.number("--rate", "N", options.rate, "events a second; default 1000")
        .range(1, 100'000);
    arguments.number("--streams", "N", options.streams, "in turns; default 1000")
        .range(1, 1'000'000);
    arguments.number("--failing", "N", options.failing, "of them always fail; default 0");
    arguments.number("--members", "N", options.connections, "at once; default 1").range(1, 1000);
    arguments.number("--payload", "BYTES", options.payload, "of data of an event; default 128")
        .range(24, kPayloadMax);
    arguments.number("--seconds", "N", options.seconds, "default 5").range(1, 86400);
}

void declare_idle(Arguments& arguments, BenchOptions& options) {
    arguments.number("--consumers", "N", options.consumers, "a member each; default 1000")
        .range(1, limits::kConsumersMax);
}

void declare_sub(Arguments& arguments, BenchOptions& options) {
    declare_connections(arguments, options);
    arguments.text("--category", "CATEGORY", options.category, "only these events");
    arguments.number("--payload", "BYTES", options.payload, "of live events; default 128")
        .range(24, kPayloadMax);
    arguments.number("--seconds", "N", options.seconds, "of live events; default 5")
        .range(1, 86400);
    declare_store(arguments, options.store, Create::no);
}

void declare_read(Arguments& arguments, BenchOptions& options) {
    declare_connections(arguments, options);
    arguments.text("--category", "CATEGORY", options.category, "only these events");
    declare_store(arguments, options.store, Create::no);
}

void declare_rebuild(Arguments& arguments, BenchOptions& options) {
    arguments.number("--streams", "N", options.streams, "aggregates; default 1000")
        .range(1, 1'000'000);
    arguments.number("--per-stream", "N", options.per_stream, "events of each; default 100")
        .range(1, 4096);
    arguments.number("--payload", "BYTES", options.payload, "of text in each; default 128")
        .range(2, kPayloadMax);
    arguments.number("--seconds", "N", options.seconds, "of each figure; default 5")
        .range(1, 86400);
    declare_store(arguments, options.store, Create::yes);
}

}  // namespace

Result<BenchStores> BenchStores::open(const Invocation& invocation, const BenchOptions& options,
                                      Create create) {
    BenchStores opened;
    const std::uint64_t wanted = options.store.directory.empty() ? options.connections : 1;
    for (std::uint64_t i = 0; i < wanted; ++i) {
        auto store = open_session(invocation, options.store, create);
        if (!store) {
            return store.error();
        }
        opened.stores_.push_back(std::move(*store));
    }
    return opened;
}

void BenchReport::figure(const std::string& metric, std::uint64_t payload, double value,
                         const char* unit) {
    if (!output_.json()) {
        output_.line(fmt::format("{} {} {} {:.2f} {}", kWho, metric, payload, value, unit));
        return;
    }
    std::string text;
    JsonWriter(text)
        .begin_object()
        .field("who", kWho)
        .field("metric", metric)
        .field("payload", payload)
        .field("value", value)
        .field("unit", unit)
        .end_object();
    output_.line(text);
}

void BenchReport::latencies(const std::string& metric, std::uint64_t payload,
                            const Latencies& latencies) {
    static constexpr struct {
        const char* name;
        double part;
    } kParts[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
    for (const auto& [name, part] : kParts) {
        figure(fmt::format("{}_{}", metric, name), payload,
               static_cast<double>(latencies.percentile(part).count()) / 1e3, "us");
    }
}

std::string bench_payload(std::uint64_t bytes) {
    std::string text(bytes, '"');
    std::uint64_t x = 0x9e3779b97f4a7c15ULL;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        text[i] = static_cast<char>('a' + (x & 15));
    }
    return text;
}

void put_bench_time(std::string& payload, Monotonic time) {
    const std::string text = std::to_string(time.count());
    payload.replace(1, text.size(), text);
}

Monotonic bench_time(std::string_view payload) {
    std::int64_t time = 0;
    payload.remove_prefix(1);
    std::from_chars(payload.data(), payload.data() + payload.size(), time);
    return Monotonic(time);
}

Command bench_command() {
    return {
        .name = "bench",
        .summary = "Put load on a store and print what it took",
        .example = "skald bench pub --connections 4 --in-flight 1024 --payload 128",
        .declare = {},
        .run = {},
        .children = {command_of<BenchOptions>("pub", "Append as fast as it goes",
                                              "skald bench pub --connections 4 --in-flight 1024",
                                              declare_pub, bench_pub),
                     command_of<BenchOptions>(
                         "live", "Publish while subscribers follow",
                         "skald bench live --subscribers 8 --in-flight 64 --per-message 100",
                         declare_live, bench_live),
                     command_of<BenchOptions>(
                         "sub", "Follow what is stored, then measure from append to delivery",
                         "skald bench sub --category bench", declare_sub, bench_sub),
                     command_of<BenchOptions>(
                         "consume", "Acknowledge what is stored as members of a durable consumer",
                         "skald bench consume --members 2", declare_consume, bench_consume),
                     command_of<BenchOptions>(
                         "work", "Publish at a rate and measure until members handle it",
                         "skald bench work --rate 1000 --failing 1", declare_work, bench_work),
                     command_of<BenchOptions>(
                         "idle", "Keep consumers whose members wait in vain, until Ctrl-C",
                         "skald bench idle --consumers 1000", declare_idle, bench_idle),
                     command_of<BenchOptions>("read", "Read what is stored, page by page",
                                              "skald bench read", declare_read, bench_read),
                     command_of<BenchOptions>(
                         "rebuild", "Fold aggregates from their streams, with and without a cache",
                         "skald bench rebuild --streams 1000 --data ./data", declare_rebuild,
                         bench_rebuild)}};
}

}  // namespace skald::cli
