// Delivery of stored batches: out of LMDB, through ZeroMQ, to a subscriber that verifies the tables
// and the crc32c of every record and makes a view of it.
//
//   make build/delivery && build/delivery DIR [rounds] [seconds]
//
//   floor         64 KiB blobs of framed events, the subscriber walks them: floor-replay 64k
//   floor + crc   the same, the subscriber checks each event's crc32c
//   batch         whole batches of 64 KiB as stored
//   slice 1/2     every second record, cut by the sender: the header, names and records it needs
//   batch x8      8 subscribers of one socket, every message shared by reference (zmq_msg_copy)
#include <zmq.h>

#include <atomic>
#include <thread>

#include "format.h"
using namespace probe;

namespace {

constexpr size_t kBatchBytes = 64 << 10;
constexpr uint64_t kLogBytes = 128 << 20;
constexpr size_t kStreams = 50;

enum class Form { floor, floor_crc, batch, half, eighth };

struct Frame {
    uint32_t size, crc;
    uint64_t sequence;
};

struct Log {
    Env env;
    MDB_dbi dbi;
    uint64_t events = 0;
    Log(const std::string& dir, Form form, size_t bytes)
        : env(dir, 0), dbi(env.open("log", MDB_INTEGERKEY)) {
        const std::string body = payload(bytes);
        const bool framed = form == Form::floor || form == Form::floor_crc;
        const size_t count = kBatchBytes / (bytes + (framed ? sizeof(Frame) : 32));
        MDB_txn* txn = env.begin();
        Encoder encoder;
        std::string out;
        for (uint64_t total = 0; total < kLogBytes; total += out.size()) {
            framed ? frames(count, body, out) : batch(encoder, count, body, out);
            put(txn, dbi, events, out, MDB_APPEND);
            events += count;
        }
        check(mdb_txn_commit(txn));
    }
    void frames(size_t count, const std::string& body, std::string& out) const {
        out.clear();
        for (size_t i = 0; i < count; ++i) {
            const Frame f{static_cast<uint32_t>(body.size()), crc32c(body.data(), body.size()),
                          events + i};
            out.append(reinterpret_cast<const char*>(&f), sizeof f);
            out.append(body);
        }
    }
    static void batch(Encoder& encoder, size_t count, const std::string& body, std::string& out) {
        encoder.clear();
        for (size_t i = 0; i < count; ++i) {
            char name[32];
            const int n = std::snprintf(name, sizeof name, "account-%010zu", i % kStreams);
            encoder.add(
                {{name, static_cast<size_t>(n)}, "MoneyDeposited", body, 42, i, i / kStreams});
        }
        encoder.finish(out);
    }
};

void option(void* s, int name, int v) {
    zmq_setsockopt(s, name, &v, sizeof v);
}

// Every `step`th record with its version, as a filter would choose them.
std::vector<std::pair<uint32_t, uint64_t>> choose(std::string_view b, uint32_t step) {
    std::vector<std::pair<uint32_t, uint64_t>> chosen;
    const auto h = load<Header>(b.data());
    for (uint32_t i = 0; i < h.records; i += step) {
        chosen.emplace_back(i, i / kStreams);
    }
    return chosen;
}

// Ends with an empty message to each subscriber.
void send_all(const Log& log, Form form, const std::vector<std::string>& addresses,
              double seconds) {
    void* ctx = zmq_ctx_new();
    std::vector<void*> sockets;
    for (const std::string& a : addresses) {
        sockets.push_back(zmq_socket(ctx, ZMQ_PUSH));
        option(sockets.back(), ZMQ_SNDHWM, 64);
        zmq_connect(sockets.back(), a.c_str());
    }
    Slicer slicer;
    std::string slice;
    const uint64_t end = now_ns() + static_cast<uint64_t>(seconds * 1e9);
    while (now_ns() < end) {
        MDB_txn* txn = log.env.begin(MDB_RDONLY);
        MDB_cursor* c = nullptr;
        check(mdb_cursor_open(txn, log.dbi, &c));
        MDB_val k{}, v{};
        while (now_ns() < end && mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
            std::string_view bytes(static_cast<char*>(v.mv_data), v.mv_size);
            if (form == Form::half || form == Form::eighth) {
                slicer.cut(bytes, choose(bytes, form == Form::half ? 2 : 8), slice);
                bytes = slice;
            }
            zmq_msg_t m;
            zmq_msg_init_size(&m, bytes.size());
            std::memcpy(zmq_msg_data(&m), bytes.data(), bytes.size());
            for (void* s : sockets) {
                zmq_msg_t shared;
                zmq_msg_init(&shared);
                zmq_msg_copy(&shared, &m);
                zmq_msg_send(&shared, s, 0);
            }
            zmq_msg_close(&m);
        }
        mdb_cursor_close(c);
        mdb_txn_abort(txn);
    }
    for (void* s : sockets) {
        zmq_send(s, "", 0, 0);
        zmq_close(s);
    }
    zmq_ctx_term(ctx);
}

uint64_t walk(const char* p, size_t n, bool verify, uint64_t& sum) {
    uint64_t count = 0;
    for (const char* end = p + n; p < end; ++count) {
        const auto f = load<Frame>(p);
        p += sizeof f;
        if (verify && crc32c(p, f.size) != f.crc) {
            die("crc");
        }
        sum += f.sequence;
        p += f.size;
    }
    return count;
}

uint64_t receive(void* socket, Form form) {
    Decoder decoder;
    uint64_t count = 0, sum = 0;
    zmq_msg_t m;
    zmq_msg_init(&m);
    while (zmq_msg_recv(&m, socket, 0) > 0) {
        const char* p = static_cast<char*>(zmq_msg_data(&m));
        const size_t n = zmq_msg_size(&m);
        if (form == Form::floor || form == Form::floor_crc) {
            count += walk(p, n, form == Form::floor_crc, sum);
        } else if (!decoder.decode({p, n}, [&](const View& v) {
                       ++count;
                       sum += v.version + v.stream.size() + v.data.size();
                   })) {
            die("decode");
        }
    }
    zmq_msg_close(&m);
    return sum == 1 ? 0 : count;
}

void measure(const Log& log, const std::string& dir, Form form, bool tcp, int subscribers,
             double seconds, const std::string& row, const std::string& column, Table& table) {
    void* ctx = zmq_ctx_new();
    std::vector<std::string> addresses;
    std::vector<void*> sockets;
    for (int i = 0; i < subscribers; ++i) {
        sockets.push_back(zmq_socket(ctx, ZMQ_PULL));
        option(sockets.back(), ZMQ_RCVHWM, 64);
        option(sockets.back(), ZMQ_RCVTIMEO, 5000);
        const std::string wanted =
            tcp ? "tcp://127.0.0.1:*" : "ipc://" + dir + "/d" + std::to_string(i);
        if (zmq_bind(sockets.back(), wanted.c_str()) != 0) {
            die("bind", zmq_strerror(errno));
        }
        char bound[256];
        size_t n = sizeof bound;
        zmq_getsockopt(sockets.back(), ZMQ_LAST_ENDPOINT, bound, &n);
        addresses.emplace_back(bound);
    }
    const uint64_t begin = now_ns();
    std::thread sender([&] { send_all(log, form, addresses, seconds); });
    std::atomic<uint64_t> count{0};
    std::vector<std::thread> threads;
    for (void* s : sockets) {
        threads.emplace_back([&count, s, form] { count += receive(s, form); });
    }
    for (std::thread& t : threads) {
        t.join();
    }
    table.add(row, column,
              static_cast<double>(count) / static_cast<double>(now_ns() - begin) * 1e3);
    sender.join();
    for (void* s : sockets) {
        zmq_close(s);
    }
    zmq_ctx_term(ctx);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string dir = argc > 1 ? argv[1] : ".";
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
    const double seconds = argc > 3 ? std::atof(argv[3]) : 0.7;
    struct Case {
        const char* name;
        Form form;
        int subscribers;
    };
    const Case cases[] = {{"floor", Form::floor, 1},      {"floor + crc", Form::floor_crc, 1},
                          {"batch", Form::batch, 1},      {"slice 1/2", Form::half, 1},
                          {"slice 1/8", Form::eighth, 1}, {"floor x8", Form::floor, 8},
                          {"batch x8", Form::batch, 8}};
    Table table;
    for (int i = 0; i < rounds; ++i) {
        for (size_t bytes : {size_t{128}, size_t{1024}}) {
            for (const Case& c : cases) {
                const Log log(dir, c.form, bytes);
                for (bool tcp : {false, true}) {
                    const std::string column =
                        (tcp ? "tcp " : "ipc ") + std::to_string(bytes) + " B";
                    measure(log, dir, c.form, tcp, c.subscribers, seconds, c.name, column, table);
                }
            }
        }
    }
    table.print("M events/s at the subscribers");
}
