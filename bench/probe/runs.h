// Sorted immutable runs of an index, as values of at most 65,520 bytes in LMDB (64 KiB less the
// header of an overflow page, so that a block takes 16 pages and not 17).
// A second thread sorts sealed tails and merges four runs of a level into one of the next; the
// writer puts its finished blocks, at most a slice of bytes a commit.
#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "run_format.h"

namespace probe {

struct Block {
    uint64_t run, number;
    std::string bytes;
    std::unique_ptr<Run> finished;  // with the run's last block: the manifest's new line
    std::vector<uint64_t> replaced;
};

class Runs {
  public:
    Runs(const Env& env, size_t slice_bytes)
        : env_(env),
          blocks_(env.open("run_blocks", MDB_INTEGERKEY)),
          manifest_(env.open("run_manifest", MDB_INTEGERKEY)),
          slice_bytes_(slice_bytes),
          thread_([this] { loop(); }) {}
    ~Runs() {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }

    // Writer. Hands a tail over; waits only when `most` tails are waiting already.
    void seal(std::unique_ptr<Tail> tail, size_t most) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return sealed_.size() < most; });
        sealed_.push_back(std::move(tail));
        wake_.notify_all();
    }

    // Writer. Puts at most a slice of finished blocks, new runs first, and deletes as much.
    void write_slice(MDB_txn* txn) {
        for (size_t bytes = 0; bytes < slice_bytes_;) {
            Block b;
            {
                std::lock_guard lock(mutex_);
                std::deque<Block>& from = fresh_.empty() ? merged_ : fresh_;
                if (from.empty()) {
                    break;
                }
                b = std::move(from.front());
                from.pop_front();
                wake_.notify_all();
            }
            put(txn, blocks_, b.run << 32 | b.number, b.bytes);
            bytes += b.bytes.size();
            if (b.finished) {
                finish(txn, b);
            }
        }
        for (size_t i = 0; i < slice_bytes_ >> 16 && !dead_.empty(); ++i) {
            uint64_t key = dead_.front();
            MDB_val k{sizeof key, &key};
            check(mdb_del(txn, blocks_, &k, nullptr));
            dead_.pop_front();
        }
    }

    // Writer, after the commit: the second thread may see what the manifest says now.
    void committed() {
        if (done_.empty()) {
            return;
        }
        std::lock_guard lock(mutex_);
        for (Block& b : done_) {
            std::erase_if(live_, [&](const std::shared_ptr<Run>& r) {
                return std::find(b.replaced.begin(), b.replaced.end(), r->id) != b.replaced.end();
            });
            merging_ = b.replaced.empty() ? merging_ : false;
            live_.push_back(std::move(b.finished));
        }
        done_.clear();
        std::sort(live_.begin(), live_.end(), [](const auto& a, const auto& b) {
            return a->level != b->level ? a->level < b->level : a->id > b->id;
        });
        wake_.notify_all();
    }

    bool idle() {
        std::lock_guard lock(mutex_);
        return sealed_.empty() && !sealing_ && fresh_.empty() && merged_.empty() && dead_.empty() &&
               !merging_ && candidates().empty();
    }
    size_t count() {
        std::lock_guard lock(mutex_);
        return live_.size();
    }
    double bytes() const { return env_.bytes(blocks_) + env_.bytes(manifest_); }

    // Newest first: the first run that has the stream has its head.
    uint64_t head(MDB_txn* txn, uint32_t stream) const {
        const uint64_t hash = hash_of(Kind::stream, stream);
        for (const auto& run : live_) {
            const auto f = std::upper_bound(run->fences.begin(), run->fences.end(), hash);
            if (f == run->fences.begin()) {
                continue;
            }
            const BlockView b(
                get(txn, run->id << 32 | static_cast<uint64_t>(f - run->fences.begin() - 1)));
            size_t low = 0, high = b.count;
            while (low < high) {
                const size_t mid = (low + high) / 2;
                if (b.hash(mid) <= hash) {
                    low = mid + 1;
                } else {
                    high = mid;
                }
            }
            if (low > 0 && b.hash(low - 1) == hash) {
                const char* p = b.at(low - 1) + 8;
                p += 1 + *p;
                get_varint(p);
                const uint64_t version = get_varint(p);
                return version + get_varint(p) - 1;
            }
        }
        return UINT64_MAX;
    }

  private:
    std::string_view get(MDB_txn* txn, uint64_t key) const {
        MDB_val k{sizeof key, &key};
        MDB_val v{};
        check(mdb_get(txn, blocks_, &k, &v), "block");
        return {static_cast<char*>(v.mv_data), v.mv_size};
    }

    void finish(MDB_txn* txn, Block& b) {
        const Run& run = *b.finished;
        put(txn, manifest_, run.id,
            {reinterpret_cast<const char*>(run.fences.data()), run.fences.size() * 8});
        std::lock_guard lock(mutex_);
        for (uint64_t id : b.replaced) {
            MDB_val k{sizeof id, &id};
            check(mdb_del(txn, manifest_, &k, nullptr));
            for (const auto& r : live_) {
                for (size_t i = 0; r->id == id && i < r->fences.size(); ++i) {
                    dead_.push_back(id << 32 | i);
                }
            }
        }
        done_.push_back(std::move(b));
    }

    class Builder;
    class Reader;
    void loop();
    void seal_waiting(std::unique_lock<std::mutex>& lock);
    void merge(const std::vector<std::shared_ptr<Run>>& inputs);
    void publish(Block b, bool fresh);
    std::vector<std::shared_ptr<Run>> candidates() const;

    const Env& env_;
    MDB_dbi blocks_, manifest_;
    size_t slice_bytes_;
    std::deque<uint64_t> dead_;  // writer only
    std::vector<Block> done_;    // writer only
    std::mutex mutex_;           // guards what follows
    std::condition_variable wake_;
    std::deque<std::unique_ptr<Tail>> sealed_;
    std::deque<Block> fresh_, merged_;
    std::vector<std::shared_ptr<Run>> live_;  // smallest level first, newest first
    bool merging_ = false, sealing_ = false, stop_ = false;
    uint64_t next_id_ = 1;
    std::thread thread_;
};

// Collects entries into blocks; the last block carries the finished run.
class Runs::Builder {
  public:
    Builder(Runs& owner, uint64_t id, uint32_t level, bool fresh)
        : owner_(owner), run_(std::make_unique<Run>()), fresh_(fresh) {
        run_->id = id;
        run_->level = level;
    }
    void add(const Entry& e) {
        std::string bytes;
        e.encode(bytes);
        if (data_.size() + bytes.size() + 2 * places_.size() + 4 > kBlockBytesMax) {
            flush(false, {});
        }
        if (places_.empty()) {
            run_->fences.push_back(e.hash);
        }
        places_.push_back(static_cast<uint16_t>(data_.size()));
        data_ += bytes;
    }
    void finish(std::vector<uint64_t> replaced) { flush(true, std::move(replaced)); }

  private:
    void flush(bool last, std::vector<uint64_t> replaced) {
        const auto n = static_cast<uint16_t>(places_.size());
        data_.append(reinterpret_cast<const char*>(places_.data()), places_.size() * 2);
        data_.append(reinterpret_cast<const char*>(&n), sizeof n);
        Block b{run_->id, run_->fences.size() - 1, std::move(data_), nullptr, std::move(replaced)};
        data_.clear();
        places_.clear();
        if (last) {
            b.finished = std::move(run_);
        }
        owner_.publish(std::move(b), fresh_);
    }
    Runs& owner_;
    std::unique_ptr<Run> run_;
    bool fresh_;
    std::string data_;
    std::vector<uint16_t> places_;
};

// Walks a run, a copied block at a time: one short read transaction each.
class Runs::Reader {
  public:
    Reader(const Runs& owner, std::shared_ptr<Run> run) : owner_(owner), run_(std::move(run)) {
        next();
    }
    bool done() const { return done_; }
    const Entry& entry() const { return entry_; }
    void next() {
        if (at_ == count_) {
            if (block_ == run_->fences.size()) {
                done_ = true;
                return;
            }
            MDB_txn* txn = owner_.env_.begin(MDB_RDONLY);
            bytes_ = owner_.get(txn, run_->id << 32 | block_++);
            mdb_txn_abort(txn);
            at_ = 0;
            count_ = BlockView(bytes_).count;
        }
        const BlockView b(bytes_);
        entry_ = Entry::decode(b.at(at_), b.at(at_ + 1));
        ++at_;
    }

  private:
    const Runs& owner_;
    std::shared_ptr<Run> run_;
    std::string bytes_;
    size_t block_ = 0, at_ = 0, count_ = 0;
    Entry entry_;
    bool done_ = false;
};

// Merged blocks wait for room; while they do, and before each, waiting tails are sealed.
inline void Runs::publish(Block b, bool fresh) {
    std::unique_lock lock(mutex_);
    if (fresh) {
        fresh_.push_back(std::move(b));
        return;
    }
    for (;;) {
        wake_.wait(lock, [&] { return stop_ || !sealed_.empty() || merged_.size() < 64; });
        if (stop_ || sealed_.empty()) {
            break;
        }
        seal_waiting(lock);
    }
    merged_.push_back(std::move(b));
}

inline void Runs::seal_waiting(std::unique_lock<std::mutex>& lock) {
    const std::unique_ptr<Tail> tail = std::move(sealed_.front());
    sealed_.pop_front();
    sealing_ = true;
    const uint64_t id = next_id_++;
    lock.unlock();
    wake_.notify_all();
    const std::vector<Posting> all = tail->sorted();
    Builder out(*this, id, 0, true);
    for (size_t i = 0; i < all.size();) {
        const Posting& p = all[i];
        Entry e{p.hash, p.offset, p.version, 1, p.offset, {}, {}};
        char name[16];
        e.name.assign(name, name_of(p.kind, p.name, name));
        for (++i; i < all.size() && all[i].hash == p.hash && e.deltas.size() < kEntryBytesMax;
             ++i) {
            put_varint(e.deltas, all[i].offset - e.last);
            e.last = all[i].offset;
            ++e.count;
        }
        out.add(e);
    }
    out.finish({});
    lock.lock();
    sealing_ = false;
}

inline std::vector<std::shared_ptr<Run>> Runs::candidates() const {
    for (uint32_t level = 0; level < 16; ++level) {
        std::vector<std::shared_ptr<Run>> at;
        for (const auto& r : live_) {
            if (r->level == level) {
                at.insert(at.begin(), r);
            }
        }
        if (at.size() >= kFanIn) {
            at.resize(kFanIn);
            return at;  // oldest first
        }
    }
    return {};
}

inline void Runs::merge(const std::vector<std::shared_ptr<Run>>& inputs) {
    std::vector<Reader> in;
    std::vector<uint64_t> replaced;
    for (const auto& r : inputs) {
        in.emplace_back(*this, r);
        replaced.push_back(r->id);
    }
    Builder out(*this, next_id_++, inputs[0]->level + 1, false);
    Entry open;
    for (;;) {
        Reader* least = nullptr;
        for (Reader& r : in) {
            if (!r.done() && (least == nullptr || r.entry().hash < least->entry().hash)) {
                least = &r;
            }
        }
        if (least == nullptr) {
            break;
        }
        if (open.count == 0 || !open.join(least->entry())) {
            if (open.count != 0) {
                out.add(open);
            }
            open = least->entry();
        }
        least->next();
    }
    out.add(open);
    out.finish(std::move(replaced));
}

inline void Runs::loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [&] {
            return stop_ || !sealed_.empty() || (!merging_ && !candidates().empty());
        });
        if (stop_) {
            return;
        }
        if (!sealed_.empty()) {
            seal_waiting(lock);
            continue;
        }
        merging_ = true;
        const auto inputs = candidates();
        lock.unlock();
        merge(inputs);
        lock.lock();
    }
}

}  // namespace probe
