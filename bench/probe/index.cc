// How a log's index should be merged: LMDB trees against sorted immutable runs, in the environment
// of the log. One writer commits batches of 4,096 events of 128 B, one LMDB value a commit; the
// index of every 65,536 events is merged beside it.
//
//   make build/index && build/index DIR [rounds] [events] [KiB of run blocks a commit]
//
//   none    no index: the ceiling
//   trees   slices of at most 5 ms on the writer, put into the commit of the batch
//   runs    a second thread seals and merges 4 to 1; the writer puts the ready blocks
// Held is the time of index work before a commit, ack the time from one acknowledgement to the
// next.
#include <xxhash.h>

#include <memory>

#include "probe.h"
#include "runs.h"
using namespace probe;

namespace {

constexpr uint64_t kEventsPerBatch = 4096;
constexpr size_t kTailsMax = 4;
constexpr uint64_t kSliceNs = 5'000'000;

// What the writer calls around each commit.
class Index {
  public:
    virtual ~Index() = default;
    virtual void work(MDB_txn* txn) = 0;  // at most one slice, inside the commit of a batch
    virtual void seal(std::unique_ptr<Tail> tail) = 0;
    virtual void committed() {}
    virtual bool idle() = 0;
    virtual double bytes() = 0;
    virtual uint64_t head(MDB_txn* txn, uint32_t stream) = 0;
    virtual size_t runs() { return 0; }
};

class NoIndex : public Index {
  public:
    void work(MDB_txn*) override {}
    void seal(std::unique_ptr<Tail>) override {}
    bool idle() override { return true; }
    double bytes() override { return 0; }
    uint64_t head(MDB_txn*, uint32_t) override { return 0; }
};

// (stream number << 32 | version) -> offset, and posting blocks by category and type.
class TreeIndex : public Index {
  public:
    explicit TreeIndex(const Env& env)
        : env_(env), tree_(env.open("by_stream", MDB_INTEGERKEY)), lists_(env.open("by_name", 0)) {}
    void seal(std::unique_ptr<Tail> tail) override { waiting_.push_back(std::move(tail)); }
    void work(MDB_txn* txn) override {
        const uint64_t end = now_ns() + kSliceNs;
        do {
            if (next_ == sorted_.size() && !take(txn)) {
                return;
            }
            for (int i = 0; i < 64 && next_ < sorted_.size(); ++i, ++next_) {
                const Posting& p = sorted_[next_];
                const uint64_t offset = p.offset;
                put(txn, tree_, uint64_t{p.name} << 32 | p.version,
                    {reinterpret_cast<const char*>(&offset), sizeof offset});
            }
        } while (now_ns() < end || waiting_.size() > kTailsMax);
    }
    bool idle() override { return waiting_.empty() && next_ == sorted_.size(); }
    double bytes() override { return env_.bytes(tree_) + env_.bytes(lists_); }
    uint64_t head(MDB_txn* txn, uint32_t stream) override {
        MDB_cursor* c = nullptr;
        check(mdb_cursor_open(txn, tree_, &c));
        uint64_t key = uint64_t{stream + 1} << 32;
        MDB_val k{sizeof key, &key};
        MDB_val v{};
        const int rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
        const bool found = mdb_cursor_get(c, &k, &v, rc == 0 ? MDB_PREV : MDB_LAST) == 0;
        const uint64_t got = found ? load<uint64_t>(k.mv_data) : 0;
        mdb_cursor_close(c);
        return found && got >> 32 == stream ? got & 0xffffffff : UINT64_MAX;
    }

  private:
    bool take(MDB_txn* txn) {
        if (waiting_.empty()) {
            return false;
        }
        const std::unique_ptr<Tail> tail = std::move(waiting_.front());
        waiting_.pop_front();
        const std::vector<Posting> all = tail->sorted();
        sorted_.clear();
        next_ = 0;
        for (size_t i = 0; i < all.size();) {
            size_t j = i;
            std::string deltas;
            for (; j < all.size() && all[j].hash == all[i].hash; ++j) {
                if (all[i].kind == Kind::stream) {
                    sorted_.push_back(all[j]);
                } else {
                    put_varint(deltas, all[j].offset - (j > i ? all[j - 1].offset : 0));
                }
            }
            if (all[i].kind != Kind::stream) {
                put_list(txn, all[i], deltas);
            }
            i = j;
        }
        std::sort(sorted_.begin(), sorted_.end(), [](const Posting& a, const Posting& b) {
            return a.name != b.name ? a.name < b.name : a.version < b.version;
        });
        return true;
    }
    void put_list(MDB_txn* txn, const Posting& p, std::string_view deltas) {
        const uint64_t key[2] = {__builtin_bswap64(p.hash), __builtin_bswap64(p.offset)};
        MDB_val k{sizeof key, const_cast<uint64_t*>(key)};
        MDB_val v{deltas.size(), const_cast<char*>(deltas.data())};
        check(mdb_put(txn, lists_, &k, &v, 0));
    }
    const Env& env_;
    MDB_dbi tree_, lists_;
    std::deque<std::unique_ptr<Tail>> waiting_;
    std::vector<Posting> sorted_;
    size_t next_ = 0;
};

class RunsIndex : public Index {
  public:
    RunsIndex(const Env& env, size_t slice_bytes) : runs_(env, slice_bytes) {}
    void work(MDB_txn* txn) override { runs_.write_slice(txn); }
    void seal(std::unique_ptr<Tail> tail) override { runs_.seal(std::move(tail), kTailsMax); }
    void committed() override { runs_.committed(); }
    bool idle() override { return runs_.idle(); }
    double bytes() override { return runs_.bytes(); }
    uint64_t head(MDB_txn* txn, uint32_t stream) override { return runs_.head(txn, stream); }
    size_t runs() override { return runs_.count(); }

  private:
    Runs runs_;
};

struct Writer {
    Writer(const Env& e, Index& i, uint32_t n)
        : env(e), index(i), log(e.open("log", MDB_INTEGERKEY)), streams(n), versions(n) {}

    // Stands for decoding: names, data and crc of each event into one value; the tail's index.
    void gather() {
        batch.clear();
        for (uint64_t i = 0; i < kEventsPerBatch; ++i) {
            const auto stream = static_cast<uint32_t>(rng.next() % streams);
            const auto type = static_cast<uint32_t>(rng.next() % kTypes);
            const uint32_t head[10] = {crc32c(body.data(), body.size()), stream, type};
            batch.append(reinterpret_cast<const char*>(head), sizeof head);
            batch.append(body);
            tail->add(Kind::stream, stream, static_cast<uint32_t>(next), versions[stream]++);
            tail->add(Kind::category, stream % kCategories, static_cast<uint32_t>(next), 0);
            tail->add(Kind::type, type, static_cast<uint32_t>(next), 0);
            ++next;
        }
    }
    void step(bool with_batch) {
        const uint64_t begin = now_ns();
        MDB_txn* txn = env.begin();
        const uint64_t base = next;
        if (with_batch) {
            gather();
            put(txn, log, base, batch, MDB_APPEND);
        }
        const uint64_t from = now_ns();
        index.work(txn);
        if (next % kTailEvents == 0 && with_batch) {
            index.seal(std::move(tail));
            tail = std::make_unique<Tail>();
        }
        const uint64_t to = now_ns();
        check(mdb_txn_commit(txn));
        index.committed();
        if (with_batch) {
            ack.push_back(now_ns() - begin);
            held.push_back(to - from);
            commit.push_back(now_ns() - to);
        }
    }

    const Env& env;
    Index& index;
    MDB_dbi log;
    uint32_t streams;
    std::vector<uint32_t> versions;
    std::string body = payload(128), batch;
    Rng rng;
    std::unique_ptr<Tail> tail = std::make_unique<Tail>();
    uint64_t next = 0;
    std::vector<uint64_t> ack, held, commit;
};

void lookups(Writer& w, Table& table, const std::string& row) {
    constexpr int kLookups = 100'000;
    Rng rng;
    MDB_txn* txn = w.env.begin(MDB_RDONLY);
    for (bool known : {true, false}) {
        uint64_t wrong = 0;
        const uint64_t t = now_ns();
        for (int i = 0; i < kLookups; ++i) {
            const auto stream = static_cast<uint32_t>(rng.next() % w.streams);
            const uint64_t head = w.index.head(txn, known ? stream : stream + w.streams);
            const bool written = known && w.versions[stream] > 0;
            wrong += head != (written ? w.versions[stream] - 1 : UINT64_MAX);
        }
        table.add(row, known ? "head ns" : "absent ns",
                  static_cast<double>(now_ns() - t) / kLookups);
        if (wrong != 0) {
            die("lookup", "wrong head");
        }
    }
    mdb_txn_abort(txn);
}

void measure(const std::string& dir, const std::string& form, uint32_t streams, uint64_t events,
             size_t slice_bytes, Table& table) {
    const Env env(dir, (events * 400 >> 20) << 20);
    std::unique_ptr<Index> index;
    if (form == "none") {
        index = std::make_unique<NoIndex>();
    } else if (form == "trees") {
        index = std::make_unique<TreeIndex>(env);
    } else {
        index = std::make_unique<RunsIndex>(env, slice_bytes);
    }
    Writer w(env, *index, streams);
    const uint64_t begin = now_ns();
    while (w.next < events) {
        w.step(true);
    }
    const double seconds = static_cast<double>(now_ns() - begin) / 1e9;
    const std::string row = form + " " + std::to_string(streams);
    table.add(row, "k events/s", static_cast<double>(w.next) / seconds / 1e3);
    table.add(row, "ack p50 ms", percentile(w.ack, 0.5) / 1e6);
    table.add(row, "p99 ms", percentile(w.ack, 0.99) / 1e6);
    table.add(row, "p99.9 ms", percentile(w.ack, 0.999) / 1e6);
    table.add(row, "held max ms", percentile(w.held, 1) / 1e6);
    table.add(row, "commit p99 ms", percentile(w.commit, 0.99) / 1e6);
    if (form == "none") {
        return;
    }
    table.add(row, "runs at end", static_cast<double>(index->runs()));
    const uint64_t drain = now_ns();
    while (!index->idle()) {
        w.step(false);
    }
    table.add(row, "drain ms", static_cast<double>(now_ns() - drain) / 1e6);
    table.add(row, "index B/event", index->bytes() / static_cast<double>(w.next));
    lookups(w, table, row);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string dir = argc > 1 ? argv[1] : ".";
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
    const auto events = static_cast<uint64_t>(argc > 3 ? std::atoll(argv[3]) : 4 << 20);
    const auto slice = static_cast<size_t>(argc > 4 ? std::atoll(argv[4]) : 512) << 10;
    Table table;
    for (int i = 0; i < rounds; ++i) {
        for (uint32_t streams : {1u, 1000u, 1'000'000u}) {
            for (const char* form : {"none", "trees", "runs"}) {
                measure(dir, form, streams, events / kTailEvents * kTailEvents, slice, table);
            }
        }
    }
    table.print("form, streams");
}
