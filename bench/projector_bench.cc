// Rows of a read model against rows put into LMDB by hand, in transactions of 10,000.
//
//   projector_bench DIR [events]      an empty directory; 400,000 events
//
//   lmdb_index_row    an integer-key record of 128 bytes per event, appended, and an entry in a
//                     second tree by a key of chance: what ../shared/bench calls lmdb-index
//   project           the same row and index from events in a log, decoded, with the checkpoint;
//                     from the first event to the last commit
//   project_lanes2    the same with two lanes
//   measure_lanes1    a row of a sensor from an event of 200 numbers, half as many events;
//   measure_lanes2    decoded and sorted, with one lane and with two
//   query_by_key_p50  a row by its key, as the type it is; microseconds
//   query_ipc_p50     the same as JSON, by a client over ipc:// of a node that holds the model
//   round_trip_ipc_p50  a message and an answer as long as those, between two ZeroMQ sockets, by
//                     turns with the queries
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <zmq.hpp>

#include "base/bytes.h"
#include "skald/cqrs/hosted_models.h"
#include "skald/cqrs/projection.h"
#include "skald/cqrs/remote_models.h"
#include "skald/cqrs/view.h"
#include "skald/node.h"
#include "skald/store.h"
#include "store/lmdb/write_cursor.h"

namespace {

using namespace skald;

constexpr std::uint64_t kBatch = 10'000;
constexpr std::uint64_t kGroups = 100'000;
constexpr std::size_t kTextBytes = 80;  // makes a row of 128 bytes of JSON

struct Noted {
    std::uint64_t id = 0;
    std::uint64_t group = 0;
    std::string text;
    static auto describe() {
        return cqrs::event<Noted>("Noted", 1)
            .required("id", &Noted::id)
            .required("group", &Noted::group)
            .required("text", &Noted::text);
    }
};

struct Note {
    std::uint64_t id = 0;
    std::uint64_t group = 0;
    std::string text;
    static auto describe() {
        return cqrs::record<Note>("Note")
            .field("id", &Note::id)
            .field("group", &Note::group)
            .field("text", &Note::text);
    }
};

struct Measured {
    std::vector<std::int64_t> values;
    static auto describe() {
        return cqrs::event<Measured>("Measured", 1).required("values", &Measured::values);
    }
};

struct Sensor {
    std::string id;
    std::uint64_t count = 0;
    std::int64_t median = 0;
    static auto describe() {
        return cqrs::record<Sensor>("Sensor")
            .field("id", &Sensor::id)
            .field("count", &Sensor::count)
            .field("median", &Sensor::median);
    }
};

std::uint64_t group_of(std::uint64_t id) {
    return (id * 0x9e3779b97f4a7c15ULL >> 20) % kGroups;
}

template <typename T>
T must(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "projector_bench: %s\n", result.error().message.c_str());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

double now_s() {
    return std::chrono::duration<double>(SystemClock::instance().monotonic()).count();
}

void report(const char* metric, double value, const char* unit) {
    std::printf("skald %s 128 %.1f %s\n", metric, value, unit);
    std::fflush(stdout);
}

void lmdb_rows(const std::string& directory, std::uint64_t events) {
    store::lmdb::EnvOptions options;
    options.map_bytes = std::size_t{8} << 30;
    auto env = must(store::lmdb::Env::open(directory, options));
    auto setup = must(env->write());
    const auto log = must(setup.open("log", store::lmdb::Keys::integers));
    const auto index = must(setup.open("index", store::lmdb::Keys::bytes));
    must(std::move(setup).commit());
    const std::string body(128, 'x');
    const double begin = now_s();
    for (std::uint64_t id = 0; id < events;) {
        auto txn = must(env->write());
        for (std::uint64_t end = std::min(id + kBatch, events); id < end; ++id) {
            must(txn.append(log, id, as_bytes(body)));
            const std::uint64_t key[2] = {__builtin_bswap64(group_of(id)), __builtin_bswap64(id)};
            must(txn.put(index, std::as_bytes(std::span(key)), std::as_bytes(std::span(&id, 1))));
        }
        must(std::move(txn).commit());
    }
    report("lmdb_index_row", static_cast<double>(events) / (now_s() - begin), "events/s");
}

void fill(EventStore& store, std::uint64_t events) {
    const std::string text(kTextBytes, 'x');
    for (std::uint64_t id = 0; id < events;) {
        std::vector<NewEvent> some;
        for (std::size_t i = 0; i < 1000 && id < events; ++i, ++id) {
            some.push_back(must(cqrs::to_new_event(Noted{id, group_of(id), text})));
        }
        must(store.append(Append::many(fmt::format("notes-{}", id / 1000), std::move(some))));
    }
}

void project(const char* metric, EventStore& store, cqrs::ReadModel& model,
             cqrs::AnyProjection projection, std::uint64_t events) {
    const Position end = must(store.position());
    const double begin = now_s();
    auto projector = must(cqrs::Projector::start(store, model, std::move(projection)));
    if (!projector->wait_for(end, std::chrono::minutes(10)).reached()) {
        std::fprintf(stderr, "projector_bench: it did not get there\n");
        std::exit(1);
    }
    report(metric, static_cast<double>(events) / (now_s() - begin), "events/s");
}

cqrs::AnyProjection notes(unsigned lanes) {
    cqrs::Projection<Note> projection("notes", 1,
                                      cqrs::rows<Note>().key(&Note::id).index(&Note::group));
    projection.on<Noted>([](cqrs::Rows<Note>& rows, const Noted& noted) {
        rows.put({noted.id, noted.group, noted.text});
    });
    // A stream has a thousand rows.
    projection.lanes(lanes,
                     [](const EventView& at) { return std::to_string(at.version.value / 16); });
    return projection.build();
}

cqrs::AnyProjection sensors(unsigned lanes) {
    cqrs::Projection<Sensor> projection("sensors", 1, cqrs::rows<Sensor>().key(&Sensor::id));
    projection.on<Measured>(
        [](cqrs::Rows<Sensor>& rows, const Measured& measured, const EventView& at) {
            std::vector<std::int64_t> values = measured.values;
            std::sort(values.begin(), values.end());
            rows.change_or({std::string(at.stream)}, [&](Sensor& sensor) {
                ++sensor.count;
                sensor.median = values[values.size() / 2];
            });
        });
    projection.lanes(lanes);
    return projection.build();
}

void fill_sensors(EventStore& store, std::uint64_t events) {
    for (std::uint64_t id = 0; id < events;) {
        Append some;
        for (std::size_t i = 0; i < 250 && id < events; ++i, ++id) {
            Measured measured;
            for (std::uint64_t value = 0; value < 200; ++value) {
                measured.values.push_back(static_cast<std::int64_t>(group_of(id * 200 + value)));
            }
            StreamAppend& one = some.streams.emplace_back();
            one.stream = fmt::format("sensor-{}", id % 10'000);
            one.events.push_back(must(cqrs::to_new_event(measured)));
        }
        must(store.append(std::move(some)));
    }
}

void measure(const std::string& directory, std::uint64_t events) {
    auto store = must(open_store(directory + "/sensors"));
    fill_sensors(*store, events);
    for (const unsigned lanes : {1, 2}) {
        auto model = must(cqrs::ReadModel::open(fmt::format("{}/sensors{}", directory, lanes)));
        project(fmt::format("measure_lanes{}", lanes).c_str(), *store, *model, sensors(lanes),
                events);
    }
}

class Times {
  public:
    template <typename Fn>
    void take(const Fn& fn) {
        const double begin = now_s();
        fn();
        taken_.push_back((now_s() - begin) * 1e6);
    }
    double median() {
        const auto middle = taken_.begin() + static_cast<std::ptrdiff_t>(taken_.size() / 2);
        std::nth_element(taken_.begin(), middle, taken_.end());
        return *middle;
    }

  private:
    std::vector<double> taken_;
};

std::uint64_t some_id(std::uint64_t i, std::uint64_t events) {
    return group_of(i) * 7919 % events;
}

void query(const cqrs::ReadModel& model, std::uint64_t events) {
    const cqrs::View<Note> view(model);
    Times times;
    for (std::uint64_t i = 0; i < 100'000; ++i) {
        times.take([&] {
            if (!must(view.get(some_id(i, events)))) {
                std::exit(1);
            }
        });
    }
    report("query_by_key_p50", times.median(), "us");
}

// A ROUTER that answers each message with 300 bytes, and a DEALER that asks with 200.
class Echo {
  public:
    explicit Echo(const std::string& endpoint) {
        router_.bind(endpoint);
        dealer_.connect(endpoint);
        thread_ = std::thread([this] { run(); });
    }
    ~Echo() {
        dealer_.send(zmq::message_t(), zmq::send_flags::none);
        thread_.join();
    }
    void ask() {
        zmq::message_t reply;
        dealer_.send(zmq::buffer(question_), zmq::send_flags::none);
        (void)dealer_.recv(reply);
    }

  private:
    void run() {
        const std::string answer(300, 'a');
        while (true) {
            zmq::message_t peer;
            zmq::message_t question;
            (void)router_.recv(peer);
            (void)router_.recv(question);
            if (question.size() == 0) {
                return;
            }
            router_.send(peer, zmq::send_flags::sndmore);
            router_.send(zmq::buffer(answer), zmq::send_flags::none);
        }
    }

    const std::string question_ = std::string(200, 'q');
    zmq::context_t here_;
    zmq::context_t there_;
    zmq::socket_t dealer_{here_, zmq::socket_type::dealer};
    zmq::socket_t router_{there_, zmq::socket_type::router};
    std::thread thread_;
};

void query_over_ipc(const std::string& directory, cqrs::ReadModel& model, std::uint64_t events) {
    NodeOptions options;
    options.data_dir = directory + "/node";
    options.listen = {"ipc://" + directory + "/n"};
    auto node = must(Node::start(options));
    cqrs::HostedModels hosted(node->local());
    must(hosted.add(model, {}));
    const auto served = must(cqrs::serve_models(node->services(), hosted));
    ClientOptions client;
    client.servers = node->endpoints();
    const auto services = must(connect_services(client));
    cqrs::RemoteModels remote(*services);
    Echo echo("ipc://" + directory + "/echo");
    Times queries;
    Times echoes;
    for (std::uint64_t round = 0; round < 20; ++round) {
        for (std::uint64_t i = 0; i < 1000; ++i) {
            echoes.take([&] { echo.ask(); });
        }
        for (std::uint64_t i = 0; i < 1000; ++i) {
            queries.take([&] {
                const auto page =
                    must(remote.query("notes", {.key = {std::to_string(some_id(i, events))}}));
                if (page.rows.size() != 1) {
                    std::exit(1);
                }
            });
        }
    }
    report("round_trip_ipc_p50", echoes.median(), "us");
    report("query_ipc_p50", queries.median(), "us");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: projector_bench DIR [events]\n");
        return 2;
    }
    const std::string directory = argv[1];
    const std::uint64_t events = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 400'000;
    lmdb_rows(directory + "/lmdb", events);
    auto store = must(open_store(directory + "/log"));
    fill(*store, events);
    auto model = must(cqrs::ReadModel::open(directory + "/model"));
    project("project", *store, *model, notes(1), events);
    {
        auto again = must(cqrs::ReadModel::open(directory + "/model2"));
        project("project_lanes2", *store, *again, notes(2), events);
    }
    measure(directory, events / 2);
    query(*model, events);
    query_over_ipc(directory, *model, events);
    return 0;
}
