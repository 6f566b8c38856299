// How near an append through a ROUTER comes to the floor (one value, one synced commit, one answer
// a client), with the work a broker must do: decode, check the producer's sequence, crc and hash.
//
//   make build/append && build/append DIR [rounds] [seconds]
//
//   floor      body alone is the message, appended with its crc32c: floor-lmdb-ahead
//   raw        a body frame with a fixed 40-byte head, no FlatBuffers
//   one frame  a FlatBuffers envelope that holds the event as [ubyte]
//   two frames the envelope, then the event
// 1 thread: the broker commits. 2 threads: a writer commits while the broker reads on.
// 4 clients, 1,024 events in flight each, one event a message, ipc; answers are cumulative.
// The last word of a row: messages read from the ROUTER a turn.
#include <xxhash.h>
#include <zmq.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "append_client.h"
using namespace probe;

namespace {

constexpr size_t kBatchBytesMax = 4 << 20;
constexpr int kClients = 4;
constexpr uint64_t kWindow = 1024;
constexpr int kAll = INT32_MAX;

void option(void* s, int name, int v) {
    zmq_setsockopt(s, name, &v, sizeof v);
}

// What a client needs to be answered: requests of this batch.
struct Batch {
    std::string bytes;
    std::vector<std::pair<uint32_t, uint64_t>> answers;  // session, requests
    uint64_t events = 0;
};

struct Session {
    std::string identity;
    uint64_t next_sequence = 0;
    uint64_t in_batch = 0;
};

class Writer {
  public:
    explicit Writer(const Env& env) : env_(env), log_(env.open("log", MDB_INTEGERKEY)) {}
    void commit(const Batch& b) {
        MDB_txn* txn = env_.begin();
        put(txn, log_, next_, b.bytes, MDB_APPEND);
        check(mdb_txn_commit(txn));
        next_ += b.events;
        ++commits_;
    }
    uint64_t commits() const { return commits_; }

  private:
    const Env& env_;
    MDB_dbi log_;
    uint64_t next_ = 0, commits_ = 0;
};

// A second thread that commits; the broker polls a socket for its word that a batch is durable.
class Committer {
  public:
    Committer(Writer& writer, void* ctx) : writer_(writer), out_(zmq_socket(ctx, ZMQ_PAIR)) {
        zmq_connect(out_, "inproc://durable");
        thread_ = std::thread([this] { loop(); });
    }
    ~Committer() {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake_.notify_one();
        thread_.join();
        zmq_close(out_);
    }
    void hand(Batch* b) {
        {
            std::lock_guard lock(mutex_);
            batch_ = b;
        }
        wake_.notify_one();
    }

  private:
    void loop() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [&] { return stop_ || batch_ != nullptr; });
            if (stop_) {
                return;
            }
            Batch* b = batch_;
            batch_ = nullptr;
            lock.unlock();
            writer_.commit(*b);
            zmq_send(out_, "", 0, 0);
            lock.lock();
        }
    }
    Writer& writer_;
    void* out_;
    std::mutex mutex_;
    std::condition_variable wake_;
    Batch* batch_ = nullptr;
    bool stop_ = false;
    std::thread thread_;
};

struct Shape {
    Form form;
    int threads;
    int most;  // messages read before a commit is begun (1 thread) or looked after (2 threads)
};

class Broker {
  public:
    Broker(const Env& env, const Shape& shape, const std::string& address)
        : form_(shape.form),
          most_(shape.most),
          writer_(env),
          router_(zmq_socket(ctx_, ZMQ_ROUTER)),
          durable_(zmq_socket(ctx_, ZMQ_PAIR)) {
        option(router_, ZMQ_RCVHWM, 0);
        option(router_, ZMQ_SNDHWM, 0);
        option(router_, ZMQ_LINGER, 0);
        if (zmq_bind(router_, address.c_str()) != 0) {
            die("bind", zmq_strerror(errno));
        }
        zmq_bind(durable_, "inproc://durable");
        if (shape.threads == 2) {
            committer_ = std::make_unique<Committer>(writer_, ctx_);
        }
        zmq_msg_init(&id_);
        zmq_msg_init(&first_);
        zmq_msg_init(&second_);
        thread_ = std::thread([this] { loop(); });
    }
    ~Broker() {
        stop_ = true;
        thread_.join();
        committer_.reset();
        zmq_close(router_);
        zmq_close(durable_);
        zmq_ctx_term(ctx_);
    }
    uint64_t commits() const { return writer_.commits(); }

  private:
    void loop() {
        bool committing = false;
        Batch* gathering = &batches_[0];
        Batch* committed = &batches_[1];
        while (!stop_) {
            zmq_pollitem_t items[2] = {{router_, 0, ZMQ_POLLIN, 0}, {durable_, 0, ZMQ_POLLIN, 0}};
            zmq_poll(items, committer_ ? 2 : 1, 20);
            if ((items[1].revents & ZMQ_POLLIN) != 0) {
                zmq_recv(durable_, nullptr, 0, 0);
                answer(*committed);
                committing = false;
            }
            drain(*gathering);
            if (committing || gathering->events == 0) {
                continue;
            }
            close_batch(*gathering);
            if (committer_) {
                std::swap(gathering, committed);
                committer_->hand(committed);
                committing = true;
            } else {
                writer_.commit(*gathering);
                answer(*gathering);
            }
        }
        while (committing && zmq_recv(durable_, nullptr, 0, 0) < 0) {
        }
    }

    void drain(Batch& b) {
        for (int i = 0; i < most_ && b.bytes.size() < kBatchBytesMax; ++i) {
            if (zmq_msg_recv(&id_, router_, ZMQ_DONTWAIT) < 0) {
                return;
            }
            zmq_msg_recv(&first_, router_, 0);
            if (form_ == Form::two_frames) {
                zmq_msg_recv(&second_, router_, 0);
            }
            accept(b, session());
        }
    }

    Session& session() {
        const std::string_view who(static_cast<char*>(zmq_msg_data(&id_)), zmq_msg_size(&id_));
        const auto found = by_identity_.find(std::string(who));
        if (found != by_identity_.end()) {
            return sessions_[found->second];
        }
        by_identity_.emplace(who, static_cast<uint32_t>(sessions_.size()));
        sessions_.push_back({std::string(who), 0, 0});
        return sessions_.back();
    }

    void accept(Batch& b, Session& s) {
        const char* p = static_cast<char*>(zmq_msg_data(&first_));
        const size_t n = zmq_msg_size(&first_);
        uint64_t sequence = s.next_sequence;
        std::string_view event(p, n);
        if (form_ == Form::raw) {
            sequence = load<uint64_t>(p + 16);
            event.remove_prefix(40);
        } else if (form_ != Form::floor) {
            flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(p), n);
            const auto* m = flatbuffers::GetRoot<fb::Append>(p);
            if (!verifier.VerifyBuffer<fb::Append>(nullptr) || m->stream() == nullptr) {
                die("envelope");
            }
            sequence = m->sequence();
            event = form_ == Form::one_frame
                        ? std::string_view(reinterpret_cast<const char*>(m->event()->data()),
                                           m->event()->size())
                        : std::string_view(static_cast<char*>(zmq_msg_data(&second_)),
                                           zmq_msg_size(&second_));
            if (XXH3_64bits(m->stream()->data(), m->stream()->size()) == 0) {
                die("stream");  // stands for the look-up of stream and type in the batch's names
            }
        }
        if (sequence != s.next_sequence) {
            die("sequence");
        }
        ++s.next_sequence;
        if (s.in_batch++ == 0) {
            b.answers.emplace_back(static_cast<uint32_t>(&s - sessions_.data()), 0);
        }
        write_record(b, event);
    }

    // 16 bytes of table and 16 of prefix a record, as docs/log_format.md has it.
    void write_record(Batch& b, std::string_view event) const {
        struct {
            uint32_t place, crc;
            uint64_t hash, prefix[2];
        } head{static_cast<uint32_t>(b.bytes.size()), crc32c(event.data(), event.size()), 0, {}};
        if (form_ != Form::floor) {
            head.hash = XXH3_64bits(event.data(), event.size());
        }
        b.bytes.append(reinterpret_cast<const char*>(&head), form_ == Form::floor ? 16 : 32);
        b.bytes.append(event);
        ++b.events;
    }

    void close_batch(Batch& b) {
        for (auto& [index, requests] : b.answers) {
            requests = sessions_[index].in_batch;
            sessions_[index].in_batch = 0;
        }
    }

    void answer(Batch& b) {
        for (const auto& [index, requests] : b.answers) {
            const std::string& who = sessions_[index].identity;
            zmq_send(router_, who.data(), who.size(), ZMQ_SNDMORE);
            zmq_send(router_, &requests, sizeof requests, 0);
        }
        b.answers.clear();
        b.bytes.clear();
        b.events = 0;
    }

    Form form_;
    int most_;
    Writer writer_;
    void* ctx_ = zmq_ctx_new();
    void* router_;
    void* durable_;
    std::unique_ptr<Committer> committer_;
    std::vector<Session> sessions_;
    std::unordered_map<std::string, uint32_t> by_identity_;
    Batch batches_[2];
    zmq_msg_t id_, first_, second_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

uint64_t publish(const std::string& address, Client client, uint64_t window, double seconds,
                 std::vector<uint64_t>* ack_ns) {
    void* ctx = zmq_ctx_new();
    void* s = zmq_socket(ctx, ZMQ_DEALER);
    option(s, ZMQ_SNDHWM, 0);
    option(s, ZMQ_RCVHWM, 0);
    option(s, ZMQ_LINGER, 0);
    option(s, ZMQ_RCVTIMEO, 5000);
    zmq_connect(s, address.c_str());
    uint64_t sent = 0, done = 0;
    const uint64_t end = now_ns() + static_cast<uint64_t>(seconds * 1e9);
    while (now_ns() < end || done < sent) {
        const uint64_t from = now_ns();
        while (sent - done < window && now_ns() < end) {
            client.send(s, sent++);
        }
        if (done == sent) {
            break;
        }
        uint64_t n = 0;
        if (zmq_recv(s, &n, sizeof n, 0) != sizeof n) {
            die("answer");
        }
        done += n;
        if (ack_ns != nullptr) {
            ack_ns->push_back(now_ns() - from);
        }
    }
    zmq_close(s);
    zmq_ctx_term(ctx);
    return done;
}

void measure(const std::string& dir, const Shape& shape, size_t bytes, double seconds,
             Table& table) {
    const char* names[] = {"floor", "raw", "one frame", "two frames"};
    const Form form = shape.form;
    const std::string row = std::string(names[static_cast<int>(form)]) + ", " +
                            std::to_string(shape.threads) + " thread, " +
                            (shape.most == kAll ? "all" : std::to_string(shape.most));
    const std::string size = std::to_string(bytes) + " B ";
    {
        const Env env(dir, 64 << 20);
        const std::string address = "ipc://" + dir + "/lone";
        Broker broker(env, shape, address);
        std::vector<uint64_t> ns;
        publish(address, Client(form, bytes, 0), 1, seconds / 4, &ns);
        table.add(row, size + "lone ack p50 us", percentile(ns, 0.5) / 1e3);
    }
    const Env env(dir, bytes < 1024 ? 256 << 20 : 640 << 20);
    const std::string address = "ipc://" + dir + "/append";
    Broker broker(env, shape, address);
    std::atomic<uint64_t> events{0};
    std::vector<std::thread> clients;
    const uint64_t begin = now_ns();
    for (uint64_t i = 0; i < kClients; ++i) {
        clients.emplace_back([&, i] {
            events += publish(address, Client(form, bytes, i), kWindow, seconds, nullptr);
        });
    }
    for (std::thread& t : clients) {
        t.join();
    }
    const double took = static_cast<double>(now_ns() - begin) / 1e9;
    table.add(row, size + "k events/s", static_cast<double>(events) / took / 1e3);
    table.add(row, size + "events a commit",
              static_cast<double>(events) / static_cast<double>(broker.commits()));
}

}  // namespace

int main(int argc, char** argv) {
    const std::string dir = argc > 1 ? argv[1] : ".";
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
    const double seconds = argc > 3 ? std::atof(argv[3]) : 1;
    const Shape shapes[] = {
        {Form::floor, 1, kAll},     {Form::floor, 1, 1024},      {Form::floor, 2, 256},
        {Form::raw, 1, 1024},       {Form::raw, 2, 256},         {Form::one_frame, 1, kAll},
        {Form::one_frame, 1, 1024}, {Form::one_frame, 1, 256},   {Form::one_frame, 2, 1024},
        {Form::one_frame, 2, 256},  {Form::two_frames, 1, 1024}, {Form::two_frames, 2, 256}};
    Table table;
    for (int i = 0; i < rounds; ++i) {
        for (size_t bytes : {size_t{128}, size_t{1024}}) {
            for (const Shape& shape : shapes) {
                measure(dir, shape, bytes, seconds, table);
            }
        }
    }
    table.print("message, broker, read a turn");
}
